import { describe, expect, it } from 'vitest'
import { configSchema } from '../../../src/config/schema.js'
import { type IamPolicy, type IamRole, iamPolicy } from '../../../src/lake/iam-policy.js'

const config = configSchema.parse({
  input: {
    root: 's3://raw/etl1',
    tables: { fact_rate: 's3://facts/2025/fact_*.parquet', dim_npi: '/data/npi.parquet' },
  },
  output: { uri: 's3://lake/partitioned-data/', metadata_uri: 's3://lake/etl3' },
  athena: { database: 'rates', region: 'eu-central-1', workgroup: 'analysts', output_location: 's3://results/athena/' },
})

const policyOf = (role: IamRole, changed = config): IamPolicy =>
  iamPolicy({ config: changed, role, account: '123456789012', partition: 'aws' })

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

  it('lets a reader read the table and the catalog, and write results only', () => {
    const policy = policyOf('reader')
    expect(allowing(policy, 'arn:aws:s3:::lake/partitioned-data/*')).toEqual(['s3:GetObject'])
    expect(allowing(policy, 'arn:aws:s3:::results/athena/*')).toContain('s3:PutObject')
    expect(allowing(policy, 'arn:aws:s3:::lake/etl3/*')).toEqual([])
    expect(allowing(policy, 'arn:aws:glue:eu-central-1:123456789012:table/rates/fact_rate_enriched_projected')).toEqual(
      expect.arrayContaining(['glue:GetPartitions']),
    )
    const actions = policy.Statement.flatMap(({ Action }) => Action)
    expect(actions.filter((action) => /glue:.*(Create|Update|Delete)|s3:Delete/.test(action))).toEqual([])
  })

  it('lets a writer read the input, and change the table, the records and the two tables in Glue', () => {
    const policy = policyOf('writer')
    expect(allowing(policy, 'arn:aws:s3:::raw/etl1/*')).toEqual(['s3:GetObject'])
    expect(allowing(policy, 'arn:aws:s3:::facts/2025/fact_*')).toEqual(['s3:GetObject'])
    for (const place of ['lake/partitioned-data/*', 'lake/etl3/*']) {
      expect(allowing(policy, `arn:aws:s3:::${place}`)).toEqual(
        expect.arrayContaining(['s3:PutObject', 's3:DeleteObject']),
      )
    }
    expect(allowing(policy, 'arn:aws:athena:eu-central-1:123456789012:workgroup/analysts')).toContain(
      'athena:StartQueryExecution',
    )
    expect(allowing(policy, 'arn:aws:glue:eu-central-1:123456789012:table/rates/*')).toEqual([])
  })

  it('lets vacuum delete records, and nothing of the table', () => {
    const policy = policyOf('vacuum')
    expect(allowing(policy, 'arn:aws:s3:::lake/etl3/*')).toContain('s3:DeleteObject')
    expect(allowing(policy, 'arn:aws:s3:::lake/partitioned-data/*')).not.toContain('s3:DeleteObject')
    expect(JSON.stringify(policy)).not.toContain('glue:')
  })

  it('lists only below the places that it names', () => {
    const lists = policyOf('writer').Statement.filter(({ Action }) => Action.includes('s3:ListBucket'))
    expect(lists.map(({ Resource, Condition }) => [Resource, Condition?.['StringLike']?.['s3:prefix']])).toEqual([
      [['arn:aws:s3:::raw'], ['etl1/*']],
      [['arn:aws:s3:::facts'], ['2025/fact_*']],
      [['arn:aws:s3:::lake'], ['partitioned-data/*', 'etl3/*']],
      [['arn:aws:s3:::results'], ['athena/*']],
    ])
  })

  it('names other partitions of AWS, and any account where none is given', () => {
    const policy = iamPolicy({ config, role: 'reader', account: '*', partition: 'aws-us-gov' })
    expect(allowing(policy, 'arn:aws-us-gov:s3:::lake/partitioned-data/*')).toEqual(['s3:GetObject'])
    expect(allowing(policy, 'arn:aws-us-gov:athena:eu-central-1:*:workgroup/analysts')).not.toEqual([])
  })

  it('says nothing of folders', () => {
    const policy = policyOf(
      'writer',
      configSchema.parse({ output: { uri: 's3://lake/t/', metadata_uri: 's3://lake/m/' } }),
    )
    expect(JSON.stringify(policy)).not.toContain(':::data')
  })
})
