import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createLogger, type LoggerOptions, SILENT_LOGGER } from '../../../src/runtime/logging.js'
import { RotatedFile } from '../../../src/runtime/rotated-file.js'

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'etl3-log-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

function logTo(file: string, options: Partial<LoggerOptions> = {}) {
  const shown: string[] = []
  const log = createLogger({
    file,
    level: 'info',
    max_size_mb: 1,
    keep: 2,
    origin: 'test',
    terminal: { level: 'warn', write: (line) => shown.push(line) },
    ...options,
  })
  const lines = (): Record<string, unknown>[] =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
  return { log, shown, lines }
}

describe('the log', () => {
  it('is its owner’s alone, because messages hold values; the folder, where others may log too, keeps the umask', () => {
    const before = process.umask(0o022)
    onTestFinished(() => void process.umask(before))
    const file = join(folder(), 'logs', 'etl3.log')
    logTo(file).log.warn('7 rates are negative')
    expect((statSync(file).mode & 0o777).toString(8)).toBe('600')
    expect((statSync(dirname(file)).mode & 0o777).toString(8)).toBe('755')
  })

  it('writes a JSON line with time, level, origin and pid, and a readable line for people', () => {
    const { log, shown, lines } = logTo(join(folder(), 'logs', 'etl3.log'))
    log.child({ unit: 3 }).warn('memory still high after cleanup', { rssMb: 480 })
    expect(lines()).toEqual([
      {
        level: 'warn',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        origin: 'test',
        pid: process.pid,
        unit: 3,
        rssMb: 480,
        msg: 'memory still high after cleanup',
      },
    ])
    expect(shown).toEqual(['warn: memory still high after cleanup [unit=3, rssMb=480]'])
  })

  it('keeps to the levels of file and terminal', () => {
    const { log, shown, lines } = logTo(join(folder(), 'etl3.log'))
    log.debug('a')
    log.info('b')
    log.log('WARN', 'c')
    log.log('TRACE', 'd')
    log.error('e')
    expect(lines().map(({ msg }) => msg)).toEqual(['b', 'c', 'e'])
    expect(shown).toEqual(['warn: c', 'error: e'])
  })

  it('masks secrets, at any depth, in the file and on the terminal', () => {
    const { log, shown, lines } = logTo(join(folder(), 'etl3.log'))
    const fields = {
      AWS_SECRET_ACCESS_KEY: 'hush1',
      nested: [{ sessionToken: 'hush2', password: 'hush3' }],
      uri: 'https://me:hush4@host/path',
      access_key_id: 'hush5',
      error: new Error('GET s3://key:hush6@bucket failed', { cause: new Error('token was fine') }),
    }
    log.error('see ftp://u:hush7@h', fields)
    const everything = JSON.stringify([lines(), shown])
    expect(everything).not.toContain('hush')
    expect(everything).toContain('https://***@host/path')
    expect(everything).toContain('token was fine')
  })

  it('keeps a message on its line, whatever is in it', () => {
    const { log, shown, lines } = logTo(join(folder(), 'etl3.log'))
    log.error('a\nerror: forged\u001B[2J\u009B1m', { value: 'x\ny' })
    expect(lines()).toHaveLength(1)
    expect(shown).toEqual(['error: a\\nerror: forged\\u001b[2J\\u009b1m [value=x\\ny]'])
  })

  it('writes errors with stack and causes', () => {
    const { log, lines } = logTo(join(folder(), 'etl3.log'))
    const loop: Error & { cause?: unknown } = new Error('loop')
    loop.cause = loop
    log.error('x', { error: new Error('outer', { cause: new RangeError('inner') }), loop })
    expect(lines()[0]).toMatchObject({
      error: {
        name: 'Error',
        message: 'outer',
        stack: expect.stringContaining('logging.test'),
        cause: { name: 'RangeError', message: 'inner' },
      },
      loop: { message: 'loop' },
    })
  })

  it('goes on without a file that cannot be written, and says so once', () => {
    const blocked = join(folder(), 'file')
    writeFileSync(blocked, '')
    const { log, shown } = logTo(join(blocked, 'etl3.log'))
    log.error('one')
    log.error('two')
    expect(shown).toHaveLength(3)
    expect(shown[0]).toContain('the log file cannot be written, going on without it')
    expect(shown.slice(1)).toEqual(['error: one', 'error: two'])
  })

  it('that is silent writes to no stream, neither itself nor by a child', () => {
    const writes = [process.stdout, process.stderr].map((stream) => vi.spyOn(stream, 'write').mockReturnValue(true))
    try {
      for (const log of [SILENT_LOGGER, SILENT_LOGGER.child({ a: 1 })]) {
        for (const level of ['debug', 'info', 'warn', 'error'] as const)
          log[level]('nothing', { error: new Error('x') })
      }
      for (const write of writes) expect(write).not.toHaveBeenCalled()
    } finally {
      vi.restoreAllMocks()
    }
  })
})

describe('a rotated file', () => {
  it('is rotated at its size and keeps as many as it should', () => {
    const file = join(folder(), 'etl3.log')
    const rotated = new RotatedFile({ file, maxBytes: 30, keep: 2 })
    for (let line = 1; line <= 11; line++) rotated.write(`line ${String(line).padStart(4, '0')}\n`)
    // Three lines of ten bytes fit into thirty.
    expect(readFileSync(file, 'utf8')).toBe('line 0010\nline 0011\n')
    expect(readFileSync(`${file}.1`, 'utf8')).toBe('line 0007\nline 0008\nline 0009\n')
    expect(readFileSync(`${file}.2`, 'utf8')).toBe('line 0004\nline 0005\nline 0006\n')
    expect(existsSync(`${file}.3`)).toBe(false)
    expect(readdirSync(join(file, '..')).sort()).toEqual(['etl3.log', 'etl3.log.1', 'etl3.log.2'])
  })

  it('takes a line that is longer than the whole file may be', () => {
    const file = join(folder(), 'etl3.log')
    const rotated = new RotatedFile({ file, maxBytes: 5, keep: 1 })
    rotated.write('a long line\n')
    rotated.write('b\n')
    expect([readFileSync(file, 'utf8'), readFileSync(`${file}.1`, 'utf8')]).toEqual(['b\n', 'a long line\n'])
  })

  it('loses no line when somebody else rotates the file, also for one who writes seldom', () => {
    const file = join(folder(), 'etl3.log')
    const options = { file, maxBytes: 100, keep: 1_000 }
    const seldom = new RotatedFile(options)
    const often = new RotatedFile(options)
    seldom.write('first\n')
    for (let line = 0; line < 100; line++) often.write(`line ${line}\n`)
    seldom.write('last\n')
    expect(readFileSync(file, 'utf8')).toMatch(/last\n$/)
    const all = readdirSync(join(file, '..')).map((name) => readFileSync(join(file, '..', name), 'utf8'))
    expect(all.join('').split('\n').length - 1).toBe(102)
  })

  it('writes on while another process rotates, and takes over a lock whose owner is gone', () => {
    const file = join(folder(), 'etl3.log')
    const rotated = new RotatedFile({ file, maxBytes: 4, keep: 1 })
    rotated.write('aaa\n')
    writeFileSync(`${file}.rotating`, '')
    rotated.write('bbb\n')
    expect(readFileSync(file, 'utf8')).toBe('aaa\nbbb\n')

    const longAgo = new Date(Date.now() - 60_000)
    utimesSync(`${file}.rotating`, longAgo, longAgo)
    rotated.write('ccc\n')
    rotated.write('ddd\n')
    expect(readFileSync(file, 'utf8')).toBe('ddd\n')
    expect(existsSync(`${file}.rotating`)).toBe(false)
  })
})
