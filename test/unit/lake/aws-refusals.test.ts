import { describe, expect, it } from 'vitest'
import { awsFailure } from '../../../src/lake/glue/connection.js'
import { s3Error } from '../../../src/lake/s3/errors.js'
import { Etl3Error } from '../../../src/runtime/errors.js'

const hintOf = (error: unknown): unknown => error instanceof Etl3Error && error.hint

/** Codes of https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html and of the common errors of AWS's APIs. */
const REFUSALS = [
  ['CredentialsProviderError', 'ETL3-AW-01'],
  ['ExpiredToken', 'ETL3-AW-02'],
  ['ExpiredTokenException', 'ETL3-AW-02'],
  ['TokenRefreshRequired', 'ETL3-AW-02'],
  ['InvalidAccessKeyId', 'ETL3-AW-03'],
  ['InvalidToken', 'ETL3-AW-03'],
  ['InvalidClientTokenId', 'ETL3-AW-03'],
  ['IncompleteSignature', 'ETL3-AW-03'],
] as const

describe.each(REFUSALS)('the refusal %s', (name, code) => {
  const refusal = (): Error => Object.assign(new Error('no'), { name, $metadata: { httpStatusCode: 400 } })

  it('is the same error with the same way out, whichever service of AWS gives it', () => {
    const ofBucket = s3Error(refusal(), 'read', 's3://lake/x')
    const ofCatalog = awsFailure(refusal(), 'Glue: GetTable x')
    expect(ofBucket).toMatchObject({ code, message: expect.stringContaining('s3://lake/x') })
    expect(ofCatalog).toMatchObject({ code, message: expect.stringContaining('Glue: GetTable x') })
    expect(hintOf(ofCatalog)).toBe(hintOf(ofBucket))
  })
})
