/** What requests to S3 and Glue ask for, in the words of policies. */
import { z } from 'zod'
import { elementOf } from '../../../src/lake/s3/answer.js'
import type { AskedOfAws } from '../../unit/lake/policy-judge.js'
import type { SeenRequest } from './fault-proxy.js'

/**
 * The permissions that S3 looks for ("Required permissions for Amazon S3 API operations" in its User Guide).
 * @param body of a request that deletes many keys
 * @throws Error for a request that is not known here
 */
export function askedOfS3({ method, sent, headers }: SeenRequest, body = ''): AskedOfAws[] {
  const { pathname, searchParams: query } = new URL(sent, 'http://s3')
  const [, bucket = '', key = ''] = /^\/([^/]+)\/?(.*)$/s.exec(decodeURIComponent(pathname)) ?? []
  const arn = `arn:aws:s3:::${bucket}`
  const onBucket = (name: string): AskedOfAws[] => [{ action: `s3:${name}`, resource: arn }]
  const onObject = (name: string, of = key): AskedOfAws => ({ action: `s3:${name}`, resource: `${arn}/${of}` })
  // A key that is missing is told (404, not 403) to those who may list with it as the prefix.
  const reading = [onObject('GetObject'), { action: 's3:ListBucket', resource: arn, prefix: key }]
  const setting = SETTINGS.find(([name]) => query.has(name))
  if (key === '') {
    if (setting) return onBucket(setting[1])
    if (method === 'HEAD') return onBucket('ListBucket')
    if (query.has('list-type'))
      return [{ action: 's3:ListBucket', resource: arn, prefix: query.get('prefix') ?? undefined }]
    if (method === 'POST' && query.has('delete')) {
      const objects = body.match(/<Object>.*?<\/Object>/gs) ?? []
      return objects.map((object) => onObject('DeleteObject', elementOf(object, 'Key')))
    }
  } else if (method === 'GET' || method === 'HEAD') {
    return reading
  } else if (method === 'PUT' || method === 'POST') {
    const source = headers['x-amz-copy-source']
    if (typeof source !== 'string') return [onObject('PutObject')]
    return [onObject('PutObject'), { action: 's3:GetObject', resource: `arn:aws:s3:::${decodeURIComponent(source)}` }]
  } else if (method === 'DELETE') {
    return [onObject(query.has('uploadId') ? 'AbortMultipartUpload' : 'DeleteObject')]
  }
  throw new Error(`what does ${method} ${sent} ask for?`)
}

const SETTINGS: readonly (readonly [query: string, action: string])[] = [
  ['location', 'GetBucketLocation'],
  ['uploads', 'ListBucketMultipartUploads'],
  ['encryption', 'GetEncryptionConfiguration'],
  ['publicAccessBlock', 'GetBucketPublicAccessBlock'],
  ['versioning', 'GetBucketVersioning'],
  ['lifecycle', 'GetLifecycleConfiguration'],
]

const ofGlue = z.object({
  DatabaseName: z.string().optional(),
  DatabaseInput: z.object({ Name: z.string() }).optional(),
  TableName: z.string().optional(),
  TableInput: z.object({ Name: z.string() }).optional(),
  Name: z.string().optional(),
})

/** Glue looks at each call's right to the catalog, the database and, where it is about one, the table. */
export function askedOfGlue({ operation }: SeenRequest, body: string, account: string): AskedOfAws[] {
  const { DatabaseName, DatabaseInput, TableName, TableInput, Name } = ofGlue.parse(JSON.parse(body))
  const database = DatabaseName ?? DatabaseInput?.Name ?? Name
  const table = DatabaseName === undefined ? undefined : (TableName ?? TableInput?.Name ?? Name)
  const resources = ['catalog', `database/${database}`, ...(table === undefined ? [] : [`table/${database}/${table}`])]
  return resources.map((resource) => ({
    action: `glue:${operation}`,
    resource: `arn:aws:glue:us-east-1:${account}:${resource}`,
  }))
}
