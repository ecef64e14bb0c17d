/** The end of a log file, for a message. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { plainText } from './plain-text.js'

const TAIL_BYTES = 2_000

/** The last lines of a file as one line of plain text behind `lead`; nothing when the file is empty or can't be read. */
export function tailOf(path: string, lead = ''): string {
  const text = plainText(readTail(path).trim().split('\n').slice(-3).join(' | '))
  return text === '' ? '' : `${lead}${text}`
}

/** The last 2,000 bytes of a file, as they are; empty when it can't be read. */
export function readTail(path: string): string {
  try {
    const file = openSync(path, 'r')
    try {
      const { size } = fstatSync(file)
      const bytes = Buffer.alloc(Math.min(size, TAIL_BYTES))
      readSync(file, bytes, 0, bytes.length, size - bytes.length)
      return bytes.toString('utf8')
    } finally {
      closeSync(file)
    }
  } catch {
    return ''
  }
}
