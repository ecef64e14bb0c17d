/**
 * The kinds of columns: which physical types each one takes, and how each type becomes the value. What is not in this
 * table is refused; `docs/data-dictionary.md` shows it.
 */
import { familyOf, itemTypeOf, scaleOf, type TypeFamily } from './physical-types.js'
import { dayOfText, monthOfText } from './text-dates.js'

/**
 * What a column must hold.
 *
 * - `id`: an identity; `text`: any text; `code`: digits of a fixed number, with zeros in front
 * - `month`: `YYYY-MM`; `date`: `YYYY-MM-DD`
 * - `number`: a number, as double; `integer`: a whole number of 32 bits
 * - `codes`: a list of codes
 */
export type ColumnKind = 'id' | 'text' | 'code' | 'month' | 'date' | 'number' | 'integer' | 'codes'

/** How a value of one physical type becomes that of a kind. */
export interface Form {
  /** In words, for the dictionary. */
  readonly says: string
  /** SQL of the value; `x` is SQL of the file's value. */
  readonly value: (x: string) => string
  /** SQL that holds for values that are refused. */
  readonly refused?: (x: string) => string
  /** What such a value is, for the message. */
  readonly because?: string
  /** SQL of the value before zeros were put in front of it. */
  readonly unpadded?: (x: string) => string
}

/** SQL of the number of digits that a code has, given SQL of its digits. */
export type Width = (digits: string) => string

/** One kind of column. */
export interface Kind {
  /** The type of the value, in the engine. */
  readonly sqlType: string
  /** What the column must hold, for messages. */
  readonly expected: string
  readonly forms: (type: string, width: Width) => Partial<Record<TypeFamily, Form>>
}

/** Above it a double no longer holds every whole number; a float above 2^24. */
const WHOLE_BELOW = { DOUBLE: 2 ** 53, FLOAT: 2 ** 24 } as const

const notFinite = (x: string): string => `NOT isfinite(${x})`
const tooLarge = (x: string, type: string): string =>
  `abs(${x}) >= ${type === 'FLOAT' ? WHOLE_BELOW.FLOAT : WHOLE_BELOW.DOUBLE}`

/** Forms that give the value as text. */
const AS_TEXT = {
  text: (type: string): Form => ({ says: 'as it is', value: (x) => (type === 'VARCHAR' ? x : `${x}::VARCHAR`) }),
  bytes: (): Form => ({
    says: 'read as UTF-8',
    value: (x) => `decode(${x})`,
    refused: (x) => `try(decode(${x})) IS NULL AND ${x} IS NOT NULL`,
    because: 'not UTF-8',
  }),
  whole: (): Form => ({ says: 'its digits', value: (x) => `${x}::VARCHAR` }),
  wholeDecimal: (type: string): Form =>
    scaleOf(type) === 0
      ? { says: 'its digits', value: (x) => `${x}::VARCHAR` }
      : {
          says: 'its digits; refused where it is not whole',
          value: (x) => `${x}::DECIMAL(38,0)::VARCHAR`,
          refused: (x) => `${x} % 1 <> 0`,
          because: 'not whole',
        },
  wholeFloat: (type: string): Form => ({
    says: 'its digits; refused where it is not whole, not finite, or from 2^53 on (FLOAT: 2^24)',
    value: (x) => `try_cast(${x} AS BIGINT)::VARCHAR`,
    refused: (x) => `${notFinite(x)} OR ${x} <> trunc(${x}) OR ${tooLarge(x, type)}`,
    because: 'not whole, or so large that digits are lost',
  }),
  decimal: (type: string): Form => ({
    says: 'its digits, without the point where it is whole',
    value: (x) =>
      scaleOf(type) === 0
        ? `${x}::VARCHAR`
        : `CASE WHEN ${x} % 1 = 0 THEN ${x}::DECIMAL(38,0)::VARCHAR ELSE ${x}::VARCHAR END`,
  }),
  float: (type: string): Form => ({
    says: 'the shortest digits that mean the same number, without the point where it is whole; refused where it is not finite, or from 2^53 on (FLOAT: 2^24)',
    value: (x) => `CASE WHEN ${x} = trunc(${x}) THEN try_cast(${x} AS BIGINT)::VARCHAR ELSE ${x}::VARCHAR END`,
    refused: (x) => `${notFinite(x)} OR ${tooLarge(x, type)}`,
    because: 'not finite, or so large that digits are lost',
  }),
  boolean: (): Form => ({ says: '`true` or `false`', value: (x) => `${x}::VARCHAR` }),
  date: (): Form => ({
    says: '`YYYY-MM-DD`; refused outside the years 1 to 9999',
    value: (x) => `${x}::VARCHAR`,
    refused: (x) => `${x} < DATE '0001-01-01' OR ${x} > DATE '9999-12-31'`,
    because: 'outside the years 1 to 9999',
  }),
  time: (type: string): Form => ({
    says: '`YYYY-MM-DD HH:MM:SS` in UTC, with its fraction where it has one; refused outside the years 1 to 9999',
    value: (x) => (type.endsWith('ZONE') ? `${inUtc(x, type)}::VARCHAR` : `${x}::VARCHAR`),
    refused: (x) => outsideYears(x, type),
    because: 'outside the years 1 to 9999',
  }),
} as const

/** A point in time as a TIMESTAMP, whatever the session's zone. */
function inUtc(x: string, type: string): string {
  return type.endsWith('ZONE') ? `make_timestamp(epoch_us(${x}))` : `${x}::TIMESTAMP`
}

function outsideYears(x: string, type: string): string {
  // Nanoseconds reach from 1677 to 2262.
  if (type === 'TIMESTAMP_NS') return notFinite(x)
  const literal = (day: string): string =>
    type.endsWith('ZONE') ? `TIMESTAMPTZ '${day} 00:00:00+00'` : `TIMESTAMP '${day} 00:00:00'`
  return `${x} < ${literal('0001-01-01')} OR ${x} >= ${literal('10000-01-01')}`
}

function textForms(type: string): Partial<Record<TypeFamily, Form>> {
  return {
    text: AS_TEXT.text(type),
    bytes: AS_TEXT.bytes(),
    whole: AS_TEXT.whole(),
    decimal: AS_TEXT.decimal(type),
    float: AS_TEXT.float(type),
    boolean: AS_TEXT.boolean(),
    date: AS_TEXT.date(),
    time: AS_TEXT.time(type),
  }
}

/** Forms of what is text or a whole number; a file's numbers may have become floating point on their way. */
function wholeForms(type: string): { readonly [F in 'text' | 'bytes' | 'whole' | 'decimal' | 'float']: Form } {
  return {
    text: AS_TEXT.text(type),
    bytes: AS_TEXT.bytes(),
    whole: AS_TEXT.whole(),
    decimal: AS_TEXT.wholeDecimal(type),
    float: AS_TEXT.wholeFloat(type),
  }
}

/** A number has lost the zeros in front of it; a text has not, and stays as it is. */
function padded(form: Form, width: Width): Form {
  return {
    ...form,
    says: form.says.replace('its digits', 'its digits, with zeros in front up to the width'),
    value: (x) => {
      const digits = form.value(x)
      return `CASE WHEN starts_with(${digits}, '-') THEN ${digits} ELSE lpad(${digits}, greatest(strlen(${digits}), ${width(digits)})::INTEGER, '0') END`
    },
    unpadded: form.value,
  }
}

function codeForms(type: string, width: Width): Partial<Record<TypeFamily, Form>> {
  const forms = wholeForms(type)
  return {
    ...forms,
    whole: padded(forms.whole, width),
    decimal: padded(forms.decimal, width),
    float: padded(forms.float, width),
  }
}

/** Text is read by `read`, and so are the digits of numbers. */
function readBy(
  forms: Partial<Record<TypeFamily, Form>>,
  read: (text: string) => string,
  says: { readonly text: string; readonly number: string },
): Partial<Record<TypeFamily, Form>> {
  const through = (form: Form | undefined, words: string): Form | undefined =>
    form && {
      ...form,
      says: form.says.replace(/^as it is|^its digits/, words).replace('read as UTF-8', 'read as UTF-8, then as text'),
      value: (x) => read(form.value(x)),
    }
  return Object.fromEntries(
    Object.entries(forms).map(([family, form]) => [family, through(form, family === 'text' ? says.text : says.number)]),
  )
}

const dates = (type: string): Partial<Record<TypeFamily, Form>> => ({
  ...readBy(wholeForms(type), dayOfText, {
    text: 'the day of an ISO date, see below; other text as it is',
    number: 'the day of 20250601; other digits as they are',
  }),
  date: AS_TEXT.date(),
  time: {
    ...AS_TEXT.time(type),
    says: 'its day in UTC; refused outside the years 1 to 9999',
    value: (x) => `${inUtc(x, type)}::DATE::VARCHAR`,
  },
})

const months = (type: string): Partial<Record<TypeFamily, Form>> => ({
  ...readBy(wholeForms(type), monthOfText, {
    text: 'its month, see below; other text as it is',
    number: 'the month of 202506 or 20250601; other digits as they are',
  }),
  date: {
    ...AS_TEXT.date(),
    says: 'its month; refused outside the years 1 to 9999',
    value: (x) => `left(${x}::VARCHAR, 7)`,
  },
  time: {
    ...AS_TEXT.time(type),
    says: 'its month in UTC; refused outside the years 1 to 9999',
    value: (x) => `left(${inUtc(x, type)}::DATE::VARCHAR, 7)`,
  },
})

const numbers = (type: string): Partial<Record<TypeFamily, Form>> => {
  const form: Form = { says: 'as a double', value: (x) => (type === 'DOUBLE' ? x : `${x}::DOUBLE`) }
  return { whole: form, decimal: form, float: form }
}

const integers = (type: string): Partial<Record<TypeFamily, Form>> => {
  const whole: Form = {
    says: 'as it is; refused outside 32 bits',
    value: (x) => (type === 'INTEGER' ? x : `try_cast(${x} AS INTEGER)`),
    ...(type === 'INTEGER'
      ? {}
      : {
          refused: (x: string) => `${x} IS NOT NULL AND try_cast(${x} AS INTEGER) IS NULL`,
          because: 'no whole number of 32 bits',
        }),
  }
  const fractions: Form = {
    says: 'as it is; refused where it is not whole, or outside 32 bits',
    value: (x) => `try_cast(${x} AS INTEGER)`,
    // NaN is equal to itself here, and larger than any number.
    refused: (x) => `${x} IS NOT NULL AND (try_cast(${x} AS INTEGER) IS NULL OR try_cast(${x} AS INTEGER) <> ${x})`,
    because: 'no whole number of 32 bits',
  }
  return { whole, decimal: fractions, float: fractions }
}

/** A list, each item by the form of its own type. */
function lists(
  type: string,
  forms: (type: string) => Partial<Record<TypeFamily, Form>>,
): Partial<Record<TypeFamily, Form>> {
  if (familyOf(type) !== 'list') return {}
  const form = forms(itemTypeOf(type))[familyOf(itemTypeOf(type))]
  if (!form) return {}
  const { refused, unpadded } = form
  const each = (value: (x: string) => string) => (x: string) =>
    value('item') === 'item' ? x : `list_transform(${x}, lambda item: ${value('item')})`
  return {
    list: {
      says: 'each item as its type says',
      value: each(form.value),
      ...(refused ? { refused: (x: string) => `len(list_filter(${x}, lambda item: ${refused('item')})) > 0` } : {}),
      ...(form.because === undefined ? {} : { because: form.because }),
      ...(unpadded ? { unpadded: each(unpadded) } : {}),
    },
  }
}

/** All kinds. */
export const KINDS: Readonly<Record<ColumnKind, Kind>> = {
  id: { sqlType: 'VARCHAR', expected: 'text or whole numbers', forms: wholeForms },
  text: { sqlType: 'VARCHAR', expected: 'text', forms: textForms },
  code: { sqlType: 'VARCHAR', expected: 'text or whole numbers', forms: codeForms },
  month: {
    sqlType: 'VARCHAR',
    expected: 'months: text such as 2025-06, dates, or numbers such as 202506',
    forms: months,
  },
  date: { sqlType: 'VARCHAR', expected: 'dates: text such as 2025-06-01, or dates', forms: dates },
  number: { sqlType: 'DOUBLE', expected: 'numbers', forms: numbers },
  integer: { sqlType: 'INTEGER', expected: 'whole numbers', forms: integers },
  codes: {
    sqlType: 'VARCHAR[]',
    expected: 'a list of text or whole numbers',
    forms: (type, width) => lists(type, (item) => codeForms(item, width)),
  },
}

/** How a kind takes a type, or undefined where it does not. A column without a type is NULL in every kind. */
export function formOf(kind: ColumnKind, type: string, width: Width): Form | undefined {
  const { forms, sqlType } = KINDS[kind]
  const family = familyOf(type)
  if (family === 'null') return { says: 'NULL', value: () => `NULL::${sqlType}` }
  return forms(type, width)[family]
}
