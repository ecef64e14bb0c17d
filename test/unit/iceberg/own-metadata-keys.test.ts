import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { contentName, digestUuid } from '../../../src/iceberg/digest-names.js'
import { isOwnMetadataKey } from '../../../src/iceberg/own-metadata-keys.js'

const FOUND = { version: 7 }
const IN_FOLDER = { findsByPlace: true }
const IN_GLUE = { findsByPlace: false }
const DIGEST = contentName(Buffer.from('x'))

describe('a key of metadata', () => {
  it("is ETL3's own for manifests and their lists, wherever the table is", () => {
    for (const catalog of [IN_FOLDER, IN_GLUE]) {
      expect(isOwnMetadataKey(`metadata/${DIGEST}-m0.avro`, FOUND, catalog)).toBe(true)
      expect(isOwnMetadataKey(`metadata/snap-17-1-${digestUuid(DIGEST)}.avro`, FOUND, catalog)).toBe(true)
      expect(isOwnMetadataKey(`metadata/${randomUUID()}-m0.avro`, FOUND, catalog)).toBe(false)
      expect(isOwnMetadataKey(`metadata/snap-17-1-${randomUUID()}.avro`, FOUND, catalog)).toBe(false)
      expect(isOwnMetadataKey(`data/${DIGEST}-m0.avro`, FOUND, catalog)).toBe(false)
      expect(isOwnMetadataKey('metadata/version-hint.text', FOUND, catalog)).toBe(false)
      expect(isOwnMetadataKey(`metadata/expired-${DIGEST}.json`, FOUND, catalog)).toBe(false)
    }
  })

  it('of the table in a folder is its own where its number is lower than that of the current one', () => {
    expect(isOwnMetadataKey('metadata/v6.metadata.json', FOUND, IN_FOLDER)).toBe(true)
    expect(isOwnMetadataKey('metadata/v7.metadata.json', FOUND, IN_FOLDER)).toBe(false)
    expect(isOwnMetadataKey('metadata/v10.metadata.json', FOUND, IN_FOLDER)).toBe(false)
    expect(isOwnMetadataKey('metadata/v6.metadata.json', FOUND, IN_GLUE)).toBe(false)
  })

  it('of the table in Glue is its own by its digest, which Trino and pyiceberg do not give', () => {
    const own = `metadata/00003-${digestUuid(DIGEST)}.metadata.json`
    expect(isOwnMetadataKey(own, FOUND, IN_GLUE)).toBe(true)
    expect(isOwnMetadataKey(own, FOUND, IN_FOLDER)).toBe(false)
    expect(isOwnMetadataKey(`metadata/00003-${randomUUID()}.metadata.json`, FOUND, IN_GLUE)).toBe(false)
  })
})
