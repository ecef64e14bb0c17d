import { describe, expect, it } from 'vitest'
import { configSchema } from '../../../src/config/schema.js'
import { type IamPolicy, type IamRole, iamPolicy } from '../../../src/lake/iam-policy.js'
import { allows } from './policy-judge.js'

const config = configSchema.parse({
  input: {
    root: 's3://raw/etl1',
    tables: {
      fact_rate: 's3://facts/2025/fact_*.parquet',
      dim_npi: 's3://facts/npi.parquet',
      dim_pos_set: '/data/pos.parquet',
    },
  },
  output: { uri: 's3://lake/partitioned-data/', metadata_uri: 's3://lake/etl3', analytics: { enabled: false } },
  athena: { database: 'rates', region: 'eu-central-1', workgroup: 'analysts', output_location: 's3://results/athena/' },
})

const policyOf = (role: IamRole, changed = config): IamPolicy =>
  iamPolicy({ config: changed, role, account: '123456789012', partition: 'aws' })

/** Every permission in a bucket: `action place`, for listings with the prefixes in brackets. */
const grants = (role: IamRole): string[] =>
  policyOf(role).Statement.flatMap(({ Action, Resource, Condition }) => {
    const prefixes = Condition?.['StringLike']?.['s3:prefix']
    const only = prefixes === undefined ? '' : ` [${[prefixes].flat().join(', ')}]`
    const places = Resource.filter((arn) => arn.startsWith('arn:aws:s3:::'))
    return places.flatMap((arn) => Action.map((action) => `${action} ${arn.slice('arn:aws:s3:::'.length)}${only}`))
  })

const RESULTS = ['GetObject', 'PutObject', 'AbortMultipartUpload', 'ListMultipartUploadParts'].map(
  (action) => `s3:${action} results/athena/*`,
)
const GLUE = 'arn:aws:glue:eu-central-1:123456789012'

const allowing = (policy: IamPolicy, resource: string): string[] =>
  policy.Statement.filter(({ Resource }) => Resource.includes(resource)).flatMap(({ Action }) => Action)

// ARN: partition, service, region, account, resource (AWS General Reference, "Amazon Resource Names").
const ARN = /^arn:aws(-us-gov|-cn)?:(s3:::[a-z0-9.-]+(\/.*)?|(glue|athena):[a-z0-9-]+:(\d{12}|\*):.+)$/

describe('the policy of a role', () => {
  it.each(['reader', 'writer', 'vacuum'] as const)('of a %s is valid and names every place by its ARN', (role) => {
    const policy = policyOf(role)
    expect(JSON.parse(JSON.stringify(policy))).toEqual(policy)
    expect(policy.Version).toBe('2012-10-17')
    const sids = policy.Statement.map(({ Sid }) => Sid)
    expect(new Set(sids).size).toBe(sids.length)
    for (const { Sid, Action, Resource } of policy.Statement) {
      // IAM takes letters and digits only.
      expect(Sid).toMatch(/^[A-Za-z0-9]+$/)
      expect(Action.length).toBeGreaterThan(0)
      for (const action of Action) expect(action).toMatch(/^(s3|glue|athena):[A-Z][A-Za-z]+$/)
      for (const resource of Resource) expect(resource).toMatch(ARN)
    }
  })

  it.each(['writer', 'vacuum'] as const)('of a %s allows what the configuration gives each object', (role) => {
    const given = configSchema.parse({ ...config, s3: { acl: 'bucket-owner-full-control', tags: { team: 'rates' } } })
    const rights = (changed: typeof config): string[] => allowing(policyOf(role, changed), 'arn:aws:s3:::lake/etl3/*')
    const added = rights(given).filter((right) => !rights(config).includes(right))
    expect(added.sort()).toEqual(['s3:PutObjectAcl', 's3:PutObjectTagging'])
    expect(allowing(policyOf(role, given), 'arn:aws:s3:::results/athena/*')).not.toContain('s3:PutObjectAcl')
  })

  it.each([
    ['an id', '1234abcd-12ab', 'arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab', undefined],
    ['an ARN', 'arn:aws:kms:eu-west-1:210987654321:key/9', 'arn:aws:kms:eu-west-1:210987654321:key/9', undefined],
    [
      'an alias',
      'alias/etl3',
      'arn:aws:kms:eu-central-1:123456789012:key/*',
      { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': 'alias/etl3' } },
    ],
  ])(
    'allows the use of a key of SSE-KMS that is named by %s, and of no other',
    (_, kms_key_id, resource, condition) => {
      const encrypted = configSchema.parse({ ...config, s3: { kms_key_id } })
      const use = (role: IamRole): unknown =>
        policyOf(role, encrypted).Statement.filter(({ Action }) => Action.some((action) => action.startsWith('kms:')))
      const statement = { Resource: [resource], ...(condition ? { Condition: condition } : {}) }
      expect(use('reader')).toMatchObject([{ ...statement, Action: ['kms:Decrypt'] }])
      for (const role of ['writer', 'vacuum'] as const) {
        expect(use(role)).toMatchObject([{ ...statement, Action: ['kms:Decrypt', 'kms:GenerateDataKey'] }])
      }
      expect(JSON.stringify(policyOf('writer'))).not.toContain('kms:')
    },
  )

  it('of a reader allows reading the table and writing results, and nothing else in a bucket', () => {
    expect(grants('reader')).toEqual([
      's3:GetObject lake/partitioned-data/*',
      ...RESULTS,
      's3:ListBucket lake [partitioned-data/*]',
      's3:ListBucket results [athena/*]',
      's3:GetBucketLocation lake',
      's3:GetBucketLocation results',
      's3:ListBucketMultipartUploads results',
    ])
  })

  it('of a writer allows reading the input, changing table and records, and nothing else in a bucket', () => {
    expect(grants('writer')).toEqual([
      's3:GetObject raw/etl1/*',
      's3:GetObject facts/2025/fact_*',
      's3:GetObject facts/npi.parquet',
      's3:GetObject facts/npi.parquet/*',
      's3:GetObject lake/partitioned-data/*',
      's3:PutObject lake/partitioned-data/*',
      's3:DeleteObject lake/partitioned-data/*',
      's3:GetObject lake/etl3/*',
      's3:PutObject lake/etl3/*',
      's3:DeleteObject lake/etl3/*',
      's3:AbortMultipartUpload lake/etl3/*',
      ...RESULTS,
      's3:DeleteObject results/athena/.etl3-doctor-*',
      's3:ListBucket raw [etl1/*]',
      's3:ListBucket facts [2025/fact_*, npi.parquet, npi.parquet/*]',
      's3:ListBucket lake [partitioned-data/*, etl3/*]',
      's3:ListBucket results [athena/*]',
      's3:GetBucketLocation lake',
      's3:GetBucketLocation results',
      's3:ListBucketMultipartUploads results',
    ])
  })

  it('of vacuum allows cleaning the records and listing the table, and nothing else', () => {
    expect(grants('vacuum')).toEqual([
      's3:GetObject lake/etl3/*',
      's3:PutObject lake/etl3/*',
      's3:DeleteObject lake/etl3/*',
      's3:AbortMultipartUpload lake/etl3/*',
      's3:ListBucket lake [etl3/*, partitioned-data/*]',
      's3:ListBucketMultipartUploads lake',
    ])
    expect(JSON.stringify(policyOf('vacuum'))).not.toMatch(/glue:|athena:/)
  })

  it('of reader and writer names both tables in Glue, and lets a reader change none', () => {
    const tables = ['fact_rate_enriched', 'fact_rate_enriched_projected']
    for (const role of ['reader', 'writer'] as const) {
      const may = (call: string, resource: string): boolean =>
        allows(policyOf(role), { action: `glue:${call}`, resource: `${GLUE}:${resource}` })
      for (const table of tables) expect(may('GetPartitions', `table/rates/${table}`)).toBe(true)
      expect(may('GetPartitions', 'table/rates/other')).toBe(false)
      expect(may('BatchCreatePartition', `table/rates/${tables[0]}`)).toBe(role === 'writer')
      expect(may('CreateDatabase', 'database/rates')).toBe(role === 'writer')
    }
    const actions = policyOf('reader').Statement.flatMap(({ Action }) => Action)
    expect(actions.filter((action) => /glue:.*(Create|Update|Delete)|s3:Delete/.test(action))).toEqual([])
  })

  // User Guide of Athena, "Configure access to databases and tables in the AWS Glue Data Catalog".
  it.each(['reader', 'writer'] as const)('of a %s allows Athena its look at the default database, no more', (role) => {
    const may = (call: string, resource: string): boolean =>
      allows(policyOf(role), { action: `glue:${call}`, resource: `${GLUE}:${resource}` })
    expect(may('GetDatabase', 'database/default')).toBe(true)
    expect(may('GetDatabase', 'catalog')).toBe(true)
    for (const call of ['CreateDatabase', 'GetTable', 'UpdateTable']) expect(may(call, 'database/default')).toBe(false)
    expect(may('GetTable', 'table/default/fact_rate_enriched')).toBe(false)
    // A lake in that very database needs no statement of its own for it.
    const there = policyOf(role, configSchema.parse({ ...config, athena: { ...config.athena, database: 'default' } }))
    expect(there.Statement.filter(({ Resource }) => Resource.includes(`${GLUE}:database/default`))).toHaveLength(1)
  })

  it('allows what is asked of a whole bucket: a listing without a prefix', () => {
    const whole = policyOf(
      'writer',
      configSchema.parse({ ...config, output: { ...config.output, uri: 's3://tables', metadata_uri: 's3://records' } }),
    )
    const list = { action: 's3:ListBucket', resource: 'arn:aws:s3:::tables' }
    expect(allows(whole, list)).toBe(true)
    expect(allows(policyOf('writer'), { ...list, resource: 'arn:aws:s3:::lake' })).toBe(false)
    expect(allows(whole, { action: 's3:PutObject', resource: 'arn:aws:s3:::tables/x' })).toBe(true)
  })

  it('takes a folder for a folder, whatever its name, and no sign of a name for a pattern', () => {
    const odd = policyOf(
      'writer',
      configSchema.parse({ ...config, output: { uri: 's3://lake/what*/table.new', metadata_uri: 's3://lake/m/' } }),
    )
    const may = (key: string): boolean =>
      allows(odd, { action: 's3:DeleteObject', resource: `arn:aws:s3:::lake/${key}` })
    expect(may('what*/table.new/x')).toBe(true)
    expect(may('what*/table.newer')).toBe(false)
    expect(may('whatever/table.new/x')).toBe(false)
  })

  it('names other partitions of AWS, and any account where none is given', () => {
    const policy = iamPolicy({ config, role: 'reader', account: '*', partition: 'aws-us-gov' })
    expect(allowing(policy, 'arn:aws-us-gov:s3:::lake/partitioned-data/*')).toEqual(['s3:GetObject'])
    expect(allowing(policy, 'arn:aws-us-gov:athena:eu-central-1:*:workgroup/analysts')).not.toEqual([])
  })

  describe('where runs keep the analytics table', () => {
    const analytics = { enabled: true, uri: 's3://fast/rates_iceberg/' }
    const kept = configSchema.parse({
      ...config,
      output: { ...config.output, analytics },
      athena: { ...config.athena, analytics_table: 'rates_iceberg' },
    })
    const may = (role: IamRole, action: string, resource: string): boolean =>
      allows(policyOf(role, kept), { action, resource })
    const file = 'arn:aws:s3:::fast/rates_iceberg/data/x.parquet'

    it.each([
      ['reader', ['s3:GetObject'], ['s3:PutObject', 's3:DeleteObject']],
      ['writer', ['s3:GetObject', 's3:PutObject', 's3:DeleteObject', 's3:AbortMultipartUpload'], []],
      ['vacuum', ['s3:GetObject', 's3:PutObject', 's3:DeleteObject', 's3:AbortMultipartUpload'], []],
    ] as const)('lets a %s do in its prefix what it needs, and nothing beside it', (role, allowed, refused) => {
      for (const action of allowed) {
        expect(may(role, action, file), action).toBe(true)
        expect(may(role, action, 'arn:aws:s3:::fast/rates/x'), action).toBe(false)
      }
      for (const action of refused) expect(may(role, action, file), action).toBe(false)
    })

    it.each([
      ['reader', false, false],
      ['writer', true, true],
      ['vacuum', true, false],
    ] as const)('lets a %s look at its table in Glue, and change it only where it has to', (role, update, create) => {
      const table = `${GLUE}:table/rates/rates_iceberg`
      expect(may(role, 'glue:GetTable', table)).toBe(true)
      expect(may(role, 'glue:UpdateTable', table)).toBe(update)
      expect(may(role, 'glue:CreateTable', table)).toBe(create)
      expect(may(role, 'glue:DeleteTable', table)).toBe(false)
    })

    it('asks nothing of Glue for one in a folder', () => {
      const inFolder = {
        ...kept,
        output: { ...kept.output, analytics: { ...kept.output.analytics, uri: '/data/rates' } },
      }
      for (const role of ['reader', 'writer', 'vacuum'] as const) {
        expect(policyOf(role, inFolder)).toEqual(policyOf(role))
      }
    })
  })

  it('says nothing of folders', () => {
    const policy = policyOf(
      'writer',
      configSchema.parse({ output: { uri: 's3://lake/t/', metadata_uri: 's3://lake/m/' } }),
    )
    expect(JSON.stringify(policy)).not.toContain(':::data')
  })
})
