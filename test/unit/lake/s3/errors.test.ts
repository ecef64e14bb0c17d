/** What a refusal of S3 is taken for, where its words could mislead. */
import { describe, expect, it } from 'vitest'
import { s3Error } from '../../../../src/lake/s3/errors.js'

/** An answer of S3, in the shape of the SDK's errors. */
function answer(status: number, name: string, message: string): Error {
  return Object.assign(new Error(message), { name, $metadata: { httpStatusCode: status } })
}

describe('a refusal of S3', () => {
  it.each([
    [
      'for a bucket called kms is one of a right',
      answer(
        403,
        'AccessDenied',
        'not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::acme-kms-lake/x"',
      ),
      'ETL3-AW-04',
    ],
    [
      'of an action of KMS is one of the key',
      answer(
        403,
        'AccessDenied',
        'not authorized to perform: kms:GenerateDataKey on resource: arn:aws:kms:us-east-1:1:k',
      ),
      'ETL3-AW-10',
    ],
    ['of a kind of request is not one of the bytes', answer(501, 'NotImplemented', 'A header…'), 'ETL3-AW-18'],
    ['of a bucket that is new may pass', answer(307, 'TemporaryRedirect', 'elsewhere'), 'ETL3-AW-07'],
    ['of a busy KMS may pass', answer(400, 'KMS.ThrottlingException', 'You have exceeded the rate'), 'ETL3-AW-07'],
    [
      'with a certificate of nobody is one of the certificate',
      Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }),
      'ETL3-AW-16',
    ],
    [
      'by a certificate for another name, too',
      Object.assign(new Error("Hostname/IP does not match certificate's altnames"), {
        code: 'ERR_TLS_CERT_ALTNAME_INVALID',
      }),
      'ETL3-AW-16',
    ],
  ])('%s', (_, error, code) => {
    expect(s3Error(error, 'write', 's3://acme-kms-lake/x')).toMatchObject({ code })
  })
})
