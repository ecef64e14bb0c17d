/** Reads one file out of a zip archive (PKWARE APPNOTE 6.3, without zip64: a wheel is far below 4 GB). */
import { createReadStream, createWriteStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createInflateRaw } from 'node:zlib'

const END_OF_DIRECTORY = 0x06054b50
const DIRECTORY_ENTRY = 0x02014b50
const LOCAL_HEADER = 0x04034b50
const END_BYTES = 22
const MAX_COMMENT_BYTES = 65_535

interface Entry {
  readonly name: string
  /** 0 stored, 8 deflated. */
  readonly method: number
  readonly compressedBytes: number
  readonly headerOffset: number
}

/**
 * Writes the first entry whose name fits to a file, streaming.
 * @returns the entry's name, or undefined when none fits
 * @throws Error when the file is no zip archive, or packed in another way than stored or deflated
 */
export async function extractZipEntry(
  archive: string,
  fits: (name: string) => boolean,
  target: string,
): Promise<string | undefined> {
  const entry = (await readDirectory(archive)).find(({ name }) => fits(name))
  if (!entry) return undefined
  if (entry.method !== 0 && entry.method !== 8) throw new Error(`zip method ${entry.method} of ${entry.name}`)
  const start = await dataOffset(archive, entry)
  if (entry.compressedBytes === 0) throw new Error(`${entry.name} is empty`)
  await pipeline(
    createReadStream(archive, { start, end: start + entry.compressedBytes - 1 }),
    entry.method === 8 ? createInflateRaw() : new PassThrough(),
    createWriteStream(target),
  )
  return entry.name
}

async function readDirectory(archive: string): Promise<Entry[]> {
  const file = await open(archive, 'r')
  try {
    const { size } = await file.stat()
    const tail = Buffer.alloc(Math.min(size, END_BYTES + MAX_COMMENT_BYTES))
    await file.read(tail, 0, tail.length, size - tail.length)
    const end = lastIndexOf(tail, END_OF_DIRECTORY)
    if (end < 0) throw new Error(`${archive} is not a zip archive`)
    const directory = Buffer.alloc(tail.readUInt32LE(end + 12))
    await file.read(directory, 0, directory.length, tail.readUInt32LE(end + 16))
    return parseDirectory(directory)
  } finally {
    await file.close()
  }
}

function parseDirectory(directory: Buffer): Entry[] {
  const entries: Entry[] = []
  for (let at = 0; at + 46 <= directory.length && directory.readUInt32LE(at) === DIRECTORY_ENTRY; ) {
    const nameBytes = directory.readUInt16LE(at + 28)
    entries.push({
      name: directory.toString('utf8', at + 46, at + 46 + nameBytes),
      method: directory.readUInt16LE(at + 10),
      compressedBytes: directory.readUInt32LE(at + 20),
      headerOffset: directory.readUInt32LE(at + 42),
    })
    at += 46 + nameBytes + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32)
  }
  return entries
}

// The local header repeats name and extra field, with lengths of its own.
async function dataOffset(archive: string, entry: Entry): Promise<number> {
  const file = await open(archive, 'r')
  try {
    const header = Buffer.alloc(30)
    await file.read(header, 0, 30, entry.headerOffset)
    if (header.readUInt32LE(0) !== LOCAL_HEADER) throw new Error(`${archive} is damaged at ${entry.name}`)
    return entry.headerOffset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28)
  } finally {
    await file.close()
  }
}

function lastIndexOf(bytes: Buffer, word: number): number {
  for (let at = bytes.length - END_BYTES; at >= 0; at--) if (bytes.readUInt32LE(at) === word) return at
  return -1
}
