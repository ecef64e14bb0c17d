/**
 * The program of the page that `etl3 explore` writes. It reads the page's own data and shows it; values become text nodes,
 * never markup. It stands in the page as it is here.
 */
;(() => {
  /** @typedef {import('../page-data.js').PageData} PageData */
  /** @typedef {import('../page-data.js').RateGroups} RateGroups */

  /** Results that a list shows; more words find fewer. */
  const MOST_RESULTS = 100
  /** Rows that a table shows. */
  const MOST_TABLE_ROWS = 500
  const NOTHING = '–'

  /** @type {PageData} */
  const data = JSON.parse(element('data').textContent ?? '')
  const { partitions, rates } = data

  const words = element('words')
  if (!(words instanceof HTMLInputElement)) throw new Error('the page has no search')
  const detail = element('detail')
  const heading = element('detail-heading')
  const body = element('detail-body')
  /** @type {HTMLElement | undefined} */
  let openedFrom

  /** @param {string} id */
  function element(id) {
    const found = document.getElementById(id)
    if (!found) throw new Error(`the page has no ${id}`)
    return found
  }

  /**
   * @param {string} name
   * @param {Readonly<Record<string, string>>} attributes
   * @param {...(Node | string)} children
   */
  function make(name, attributes, ...children) {
    const made = document.createElement(name)
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
    made.append(...children)
    return made
  }

  // --- Words for values ---

  const HIDDEN =
    /[\p{Cc}\u2028\u2029\u{80}-\u{9f}\u{ad}\u{61c}\u{180e}\u{200b}-\u{200f}\u{202a}-\u{202e}\u{2060}-\u{206f}\u{feff}\u{fff9}-\u{fffb}\u{e0000}-\u{e007f}]/gu

  /**
   * As the report shows it: NULL and the empty text in words, what nobody sees as an escape.
   * @param {string | null | undefined} value
   */
  function label(value) {
    if (value === null || value === undefined) return '(none)'
    if (value === '') return '(empty)'
    return value.replace(HIDDEN, (character) => {
      if (character === '\n') return '\\n'
      if (character === '\r') return '\\r'
      if (character === '\t') return '\\t'
      const code = (character.codePointAt(0) ?? 0).toString(16)
      return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, '0')}`
    })
  }

  /** @param {number | undefined} count */
  function countText(count) {
    return (count ?? 0).toLocaleString('en-US')
  }

  /**
   * @param {number | undefined} count
   * @param {string} noun
   */
  function countOf(count, noun) {
    return `${countText(count)} ${noun}${count === 1 ? '' : 's'}`
  }

  /**
   * @param {number | null | undefined} rate
   * @param {string} unit
   */
  function rateText(rate, unit) {
    if (rate === null || rate === undefined) return NOTHING
    if (unit.startsWith('dollars'))
      return `$${rate.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`
    const number = rate.toLocaleString('en-US', { maximumFractionDigits: 2 })
    return unit === 'percent' ? `${number} %` : number
  }

  /** @param {number | null | undefined} ratio */
  function ratioText(ratio) {
    if (ratio === null || ratio === undefined) return NOTHING
    return `${ratio.toLocaleString('en-US', { maximumSignificantDigits: 3 })}×`
  }

  /** @param {number} bytes */
  function bytesText(bytes) {
    const units = ['bytes', 'KB', 'MB', 'GB', 'TB']
    let unit = 0
    let value = bytes
    while (value >= (unit === 0 ? 1000 : 999.95) && unit < units.length - 1) {
      value /= 1000
      unit += 1
    }
    return `${unit === 0 ? countText(value) : value.toFixed(1)} ${units[unit]}`
  }

  // --- SQL and commands ---

  /** @param {string} value */
  function sqlText(value) {
    const parts = value.split('\0').map((part) => `'${part.replaceAll("'", "''")}'`)
    return parts.length === 1 ? parts.join('') : `(${parts.join(' || chr(0) || ')})`
  }

  /** @param {string} name */
  function sqlName(name) {
    return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`
  }

  /** @typedef {readonly [column: string, value: string | null]} Condition */

  /**
   * @param {string} from
   * @param {readonly Condition[]} conditions
   */
  function selectText(from, conditions) {
    const parts = conditions.map(([column, value]) =>
      value === null ? `${sqlName(column)} IS NULL` : `${sqlName(column)} = ${sqlText(value)}`,
    )
    return `SELECT * FROM ${from}${parts.length === 0 ? '' : ` WHERE ${parts.join(' AND ')}`}`
  }

  /** @param {string} sql */
  function commandText(sql) {
    return `${data.queryCommand} '${sql.replaceAll("'", "'\\''")}'`
  }

  /** @param {readonly Condition[]} conditions */
  function rowCopies(conditions) {
    const sql = selectText(sqlName(data.table), conditions)
    const inAthena = `"${data.database.replaceAll('"', '""')}"."${data.table.replaceAll('"', '""')}"`
    return [
      copyable('Rows: SQL for etl3 query', sql),
      copyable('Rows: the whole command', commandText(sql)),
      copyable('Rows: SQL for Athena', selectText(inAthena, conditions)),
    ]
  }

  /**
   * A text with a button that copies it.
   * @param {string} title
   * @param {string} text
   */
  function copyable(title, text) {
    const shown = make('pre', { tabindex: '0', 'aria-label': title }, text)
    const button = make('button', { type: 'button', 'aria-label': `Copy: ${title}` }, 'Copy')
    button.addEventListener('click', () => {
      void copy(text, shown).then((done) => {
        button.textContent = done ? 'Copied' : 'Selected: press Ctrl+C'
        element('status').textContent = done ? `Copied: ${title}` : `Selected: ${title}. Press Ctrl+C to copy it.`
      })
    })
    return make('div', {}, make('dt', {}, make('span', {}, title), button), make('dd', {}, shown))
  }

  /**
   * @param {string} text
   * @param {HTMLElement} shown
   * @returns {Promise<boolean>} whether it is in the clipboard; else it is selected
   */
  async function copy(text, shown) {
    try {
      await navigator.clipboard.writeText(text)
      return true
    } catch {
      getSelection()?.selectAllChildren(shown)
      return false
    }
  }

  // --- Search ---

  /** @typedef {{ readonly column: string | undefined, readonly text: string }} Word */

  /**
   * @param {string} text
   * @returns {Word[]}
   */
  function wordsOf(text) {
    const found = text.match(/"[^"]*"?|\S+/g) ?? []
    return found
      .map((word) => (word.startsWith('"') ? word.replaceAll('"', '') : word))
      .filter((word) => word !== '')
      .map((word) => {
        const equals = word.indexOf('=')
        const column = word.slice(0, Math.max(0, equals)).toLowerCase()
        return KNOWN_COLUMNS.has(column)
          ? { column, text: word.slice(equals + 1).toLowerCase() }
          : { column: undefined, text: word.toLowerCase() }
      })
  }

  const CODE_COLUMNS = ['code_type', 'code']
  const KNOWN_COLUMNS = new Set([...CODE_COLUMNS, ...partitions.columns.map(({ name }) => name.toLowerCase())])

  /** @param {string | null | undefined} value */
  function lower(value) {
    return (value ?? '').toLowerCase()
  }

  /**
   * Numbers of codes: what begins with a word as its code first, then as they stand.
   * @param {readonly Word[]} sought
   */
  function findCodes(sought) {
    if (!rates || sought.some(({ column }) => column !== undefined && !CODE_COLUMNS.includes(column))) return []
    const texts = codeTexts()
    /** @type {number[][]} */
    const ranked = [[], [], []]
    for (const [n, text] of texts.entries()) {
      const code = lower(rates.code[n])
      const fits = sought.every(({ column, text: word }) => {
        if (column === undefined) return text.includes(word)
        return word === lower(column === 'code' ? rates.code[n] : rates.codeType[n])
      })
      if (!fits) continue
      const plain = sought.filter(({ column }) => column === undefined).map(({ text: word }) => word)
      const rank = plain.includes(code) ? 0 : plain.some((word) => code.startsWith(word)) ? 1 : 2
      ranked[rank]?.push(n)
    }
    return ranked.flat()
  }

  /** @type {string[] | undefined} */
  let textsOfCodes
  function codeTexts() {
    textsOfCodes ??= (rates?.code ?? []).map((code, n) =>
      [rates?.codeType[n], code, rates?.name[n]].map(lower).join(' '),
    )
    return textsOfCodes
  }

  /**
   * Numbers of partitions, as they stand.
   * @param {string} text
   * @param {readonly Word[]} sought
   */
  function findPartitions(text, sought) {
    const tests = pathTests(text) ?? sought.flatMap(wordTests)
    /** @type {number[]} */
    const found = []
    const size = partitions.rows.length
    for (let n = 0; n < size; n++) {
      if (tests.every((columns) => columns.some(({ at, fits }) => fits.has(partitions.numbers[at]?.[n] ?? -1))))
        found.push(n)
    }
    return found
  }

  /** @typedef {readonly { readonly at: number, readonly fits: ReadonlySet<number> }[]} Test One of these must hold. */

  /**
   * What a path asks for: the very segments of the columns that it names. Undefined where the text is no path.
   * @param {string} text
   * @returns {Test[] | undefined}
   */
  function pathTests(text) {
    if (!text.includes('/')) return undefined
    const segments = text.trim().split('/')
    const tests = partitions.columns.flatMap(({ folder }, at) => {
      const segment = segments.find((part) => part.startsWith(`${folder}=`))
      if (segment === undefined) return []
      const wanted = segment.slice(folder.length + 1)
      return [[{ at, fits: numbersWhere(partitions.segments[at] ?? [], (part) => part === wanted) }]]
    })
    return tests.length === 0 ? undefined : tests
  }

  /**
   * @param {Word} word
   * @returns {Test[]}
   */
  function wordTests({ column, text }) {
    if (column === undefined) {
      return [
        partitions.values.map((values, at) => ({ at, fits: numbersWhere(values, (v) => lower(v).includes(text)) })),
      ]
    }
    const at = partitions.columns.findIndex(({ name }) => name.toLowerCase() === column)
    // No partition column is called so: nothing fits.
    if (at < 0) return [[]]
    return [[{ at, fits: numbersWhere(partitions.values[at] ?? [], (value) => lower(value) === text) }]]
  }

  /**
   * @template T
   * @param {readonly T[]} values
   * @param {(value: T) => boolean} fits
   */
  function numbersWhere(values, fits) {
    return new Set(values.flatMap((value, number) => (fits(value) ? [number] : [])))
  }

  // --- Lists ---

  function search() {
    const text = words instanceof HTMLInputElement ? words.value : ''
    const sought = wordsOf(text)
    const codes = pathTests(text) ? [] : findCodes(sought)
    const found = findPartitions(text, sought)
    list('codes', 'code', codes, codeLines, openCode)
    list('partitions', 'partition', found, partitionLines, openPartition)
    element('status').textContent = `${countOf(codes.length, 'code')} and ${countOf(found.length, 'partition')} found.`
  }

  /**
   * @param {string} id
   * @param {string} noun
   * @param {readonly number[]} found
   * @param {(n: number) => readonly [string, string]} lines
   * @param {(n: number) => void} open
   */
  function list(id, noun, found, lines, open) {
    const shown = found.slice(0, MOST_RESULTS)
    const more = found.length - shown.length
    element(`${id}-count`).textContent =
      found.length === 0
        ? `No ${noun} on this page has these words.`
        : `${countText(found.length)} found${more > 0 ? `, the first ${countText(shown.length)} are shown: more words find fewer` : ''}.`
    element(`${id}-list`).replaceChildren(
      ...shown.map((n) => {
        const [first, second] = lines(n)
        const button = make('button', { type: 'button' }, first, make('small', {}, second))
        button.addEventListener('click', () => {
          for (const other of document.querySelectorAll('ul.results [aria-current]'))
            other.removeAttribute('aria-current')
          button.setAttribute('aria-current', 'true')
          openedFrom = button
          open(n)
        })
        return make('li', {}, button)
      }),
    )
  }

  /**
   * @param {number} n
   * @returns {readonly [string, string]}
   */
  function codeLines(n) {
    return [codeTitle(n), countOf(rates?.facts[n], 'fact')]
  }

  /** @param {number} n */
  function codeTitle(n) {
    const type = rates?.codeType[n]
    const name = rates?.name[n]
    const words = `${type === null ? '' : `${label(type)} `}${label(rates?.code[n])}`
    return name ? `${words}: ${label(name)}` : words
  }

  /**
   * @param {number} n
   * @returns {readonly [string, string]}
   */
  function partitionLines(n) {
    return [
      partitions.columns.map((_, at) => label(valueIn(n, at))).join(' · '),
      `${countOf(partitions.rows[n], 'row')}, ${bytesText(partitions.bytes[n] ?? 0)}`,
    ]
  }

  /**
   * @param {number} n
   * @param {number} at
   */
  function valueIn(n, at) {
    return partitions.values[at]?.[partitions.numbers[at]?.[n] ?? -1] ?? null
  }

  // --- A partition ---

  /** @param {number} n */
  function openPartition(n) {
    const key = partitions.columns
      .map(({ folder }, at) => `${folder}=${partitions.segments[at]?.[partitions.numbers[at]?.[n] ?? -1] ?? ''}/`)
      .join('')
    const conditions = partitions.columns.map(({ name }, at) => /** @type {const} */ ([name, valueIn(n, at)]))
    show(
      'Partition',
      table(
        'Its key',
        ['column', 'value'],
        conditions.map(([name, value]) => [label(name), label(value)]),
        [2, 2],
      ),
      make(
        'p',
        {},
        `${countOf(partitions.rows[n], 'row')} of ${countOf(partitions.facts[n], 'fact')} in one file of ${bytesText(partitions.bytes[n] ?? 0)}.`,
      ),
      make(
        'dl',
        { class: 'copies' },
        copyable('Path of the file', `${data.root}/${key}${partitions.file}`),
        ...rowCopies(conditions),
      ),
    )
  }

  // --- A code ---

  const ALL_STATES = 'all'
  const EACH_STATE = 'each'

  /** @param {number} n */
  function openCode(n) {
    if (!rates) return
    const hasStates = n < rates.byState.from.length - 1
    const payers = numbersOf(rates.byPayer, rates.byPayer.payer, n)
    const states = hasStates ? numbersOf(rates.byState, rates.byState.state, n) : []
    const payer = choice('payer', 'Payer', [
      ['', 'Every payer'],
      ...payers.map((p) => /** @type {const} */ ([String(p), label(rates.payers[p])])),
    ])
    const state = choice('state', 'State', [
      [ALL_STATES, 'All states together'],
      ...(hasStates ? [/** @type {const} */ ([EACH_STATE, 'Each state'])] : []),
      ...states.map((s) => /** @type {const} */ ([String(s), label(rates.states[s])])),
    ])
    const result = make('div', {})
    const update = () => result.replaceChildren(...ratesOf(n, payer.value, state.value))
    payer.addEventListener('change', update)
    state.addEventListener('change', update)
    update()
    const choices = make('div', { class: 'choices' }, payer.parentElement ?? payer, state.parentElement ?? state)
    const missing = hasStates
      ? []
      : [make('p', { class: 'note' }, 'The page has this code with all states together only: see below.')]
    show(codeTitle(n), choices, ...missing, result)
  }

  /**
   * The distinct numbers in a column of a code's groups, in the order of their labels.
   * @param {RateGroups} groups
   * @param {readonly number[]} column
   * @param {number} n
   */
  function numbersOf(groups, column, n) {
    const names = column === groups.payer ? rates?.payers : rates?.states
    const found = [...new Set(column.slice(groups.from[n], groups.from[n + 1]))]
    return found.sort((a, b) => (lower(names?.[a]) < lower(names?.[b]) ? -1 : 1))
  }

  /**
   * @param {string} id
   * @param {string} title
   * @param {readonly (readonly [string, string])[]} options
   */
  function choice(id, title, options) {
    const select = document.createElement('select')
    select.id = id
    select.append(...options.map(([value, text]) => make('option', { value }, text)))
    make('div', {}, make('label', { for: id }, title), select)
    return select
  }

  /**
   * @param {number} n
   * @param {string} payer
   * @param {string} state
   */
  function ratesOf(n, payer, state) {
    if (!rates) return []
    const together = state === ALL_STATES
    const groups = together ? rates.byPayer : rates.byState
    /** @type {number[]} */
    const fitting = []
    for (let i = groups.from[n] ?? 0; i < (groups.from[n + 1] ?? 0); i++) {
      if (payer !== '' && groups.payer[i] !== Number(payer)) continue
      if (!together && state !== EACH_STATE && rates.byState.state[i] !== Number(state)) continue
      fitting.push(i)
    }
    const shown = fitting.slice(0, MOST_TABLE_ROWS)
    const rows = shown.map((i) => {
      const unit = rates.units[groups.unit[i] ?? -1] ?? ''
      const figure = (/** @type {readonly (number | null)[]} */ column) => rateText(column[i], unit)
      return [
        label(rates.payers[groups.payer[i] ?? -1]),
        together ? 'all' : label(rates.states[rates.byState.state[i] ?? -1]),
        ...[groups.median, groups.min, groups.p25, groups.p75, groups.max].map(figure),
        ratioText(groups.ratio[i]),
        countText(groups.rows[i]),
        countText(groups.facts[i]),
        label(rates.classes[groups.billingClass[i] ?? -1]) + (unit === 'dollars' ? '' : `, ${label(unit)}`),
      ]
    })
    // What decides stands first, because a phone shows only the first columns until the reader scrolls.
    const heads = [
      ...['payer', 'state', 'median', 'lowest', 'first quartile', 'third quartile', 'highest', 'of Medicare'],
      ...['rows', 'facts', 'class'],
    ]
    const more = fitting.length - shown.length
    const note =
      more > 0
        ? [make('p', { class: 'note' }, `${countOf(more, 'more group')}: choose a payer or a state to see them.`)]
        : []
    /** @type {Condition[]} */
    const conditions = [
      ['code_type', rates.codeType[n] ?? null],
      ['code', rates.code[n] ?? null],
    ]
    if (payer !== '') conditions.push(['payer_slug', rates.payers[Number(payer)] ?? null])
    if (!together && state !== EACH_STATE) conditions.push(['state', rates.states[Number(state)] ?? null])
    const ofRates = selectText(sqlName(`${data.table}_rates${together ? '_by_payer' : ''}`), conditions)
    return [
      table('Rates by payer and state', heads, rows, [2, 10]),
      ...note,
      make(
        'dl',
        { class: 'copies' },
        ...(data.ratesInCatalog
          ? [copyable('Rates: SQL for etl3 query', ofRates), copyable('Rates: the whole command', commandText(ofRates))]
          : []),
        ...rowCopies(conditions),
      ),
    ]
  }

  // --- Showing ---

  /**
   * @param {string} title
   * @param {...Node} parts
   */
  function show(title, ...parts) {
    heading.textContent = title
    body.replaceChildren(...parts)
    detail.hidden = false
    heading.focus()
  }

  /**
   * @param {string} caption
   * @param {readonly string[]} heads
   * @param {readonly (readonly string[])[]} rows
   * @param {readonly [first: number, end: number]} figures which columns hold figures
   */
  function table(caption, heads, rows, [first, end]) {
    const isFigure = (/** @type {number} */ i) => i >= first && i < end
    const head = heads.map((name, i) => make('th', { scope: 'col', class: isFigure(i) ? 'n' : '' }, name))
    const lines = rows.map((cells) =>
      make(
        'tr',
        {},
        ...cells.map((cell, i) =>
          i === 0 ? make('th', { scope: 'row' }, cell) : make('td', { class: isFigure(i) ? 'n' : '' }, cell),
        ),
      ),
    )
    const whole = make(
      'table',
      {},
      make('caption', {}, caption),
      make('thead', {}, make('tr', {}, ...head)),
      make('tbody', {}, ...lines),
    )
    return make('div', { class: 'scroll', role: 'region', 'aria-label': caption, tabindex: '0' }, whole)
  }

  // --- Keys ---

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return
    const at = document.activeElement
    if (event.key === 'Escape') goBack(at, event)
    else if (at === words && event.key === 'ArrowDown') focusFirst(event)
    else if (at === words && event.key === 'Enter') focusFirst(event)
    else if (at instanceof HTMLElement && at.closest('ul.results')) moveInList(at, event)
  }

  /**
   * From what was opened to where it was found, from there to the search, and there to an empty one.
   * @param {Element | null} at
   * @param {KeyboardEvent} event
   */
  function goBack(at, event) {
    if (!(words instanceof HTMLInputElement)) return
    // A list of options that is open takes the key for itself.
    if (at && detail.contains(at)) {
      event.preventDefault()
      if (openedFrom?.isConnected) openedFrom.focus()
      else words.focus()
    } else if (at === words) {
      event.preventDefault()
      words.value = ''
      search()
    } else {
      words.focus()
    }
  }

  /** @param {KeyboardEvent} event */
  function focusFirst(event) {
    const first = results()[0]
    if (!first) return
    event.preventDefault()
    first.focus()
  }

  /**
   * @param {HTMLElement} at
   * @param {KeyboardEvent} event
   */
  function moveInList(at, event) {
    const all = results()
    const place = all.indexOf(at)
    const target = { ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: all.length - 1 }[event.key]
    if (target === undefined) return
    event.preventDefault()
    if (target < 0) element('words').focus()
    else all[Math.min(target, all.length - 1)]?.focus()
  }

  /** All results, those of the first list first. */
  function results() {
    return [...document.querySelectorAll('ul.results button')].filter((one) => one instanceof HTMLElement)
  }

  words.addEventListener('input', search)
  document.addEventListener('keydown', onKey)
  search()
  words.focus({ preventScroll: true })
})()
