/** `etl3 iam-policy`: the least that a role must be allowed. */
import { type Command, Option } from 'commander'
import { UsageError } from '../runtime/errors.js'
import { plainText } from '../runtime/plain-text.js'
import { jsonText } from './output/json-text.js'
import type { CliShell } from './shell.js'

const ROLES = ['reader', 'writer', 'vacuum'] as const

const DESCRIPTION = `Prints an IAM policy with the least that a role must be allowed, from the configuration:
reader asks the tables through Athena, writer runs the pipeline, vacuum cleans up old runs.`

/** Adds `etl3 iam-policy`. */
export function registerIamPolicy(program: Command, shell: CliShell): void {
  const command = shell.command(program, {
    name: 'iam-policy',
    summary: 'print the least rights that a role needs on AWS',
    description: DESCRIPTION,
    formats: ['json'],
    examples: [
      {
        call: 'etl3 iam-policy --config config/etl3.aws.yaml --role writer --account 123456789012 > writer.json',
        purpose: 'what the role of the worker needs, in one account',
      },
      { call: 'etl3 iam-policy --config config/etl3.aws.yaml --role reader', purpose: 'what an analyst needs' },
    ],
  })
  shell
    .configOptions(command, [])
    .addOption(new Option('--role <role>', 'who the policy is for').choices(ROLES).default('writer'))
    .option('--account <id>', 'AWS account of Glue and Athena (12 digits); default: any account')
    .addOption(
      new Option('--partition <name>', 'partition of AWS').choices(['aws', 'aws-us-gov', 'aws-cn']).default('aws'),
    )
  shell.action(command, async (call) => {
    const { iamPolicy, IAM_ROLES } = await import('../lake/iam-policy.js')
    const { config } = await call.loadConfig()
    const { role: named, account = '*', partition } = call.options
    if (account !== '*' && !/^\d{12}$/.test(String(account))) {
      throw new UsageError('ETL3-US-12', `'${plainText(String(account))}' is no AWS account: it has 12 digits`, {
        hint: 'aws sts get-caller-identity prints it.',
      })
    }
    const role = IAM_ROLES.find((one) => one === named) ?? 'writer'
    const options = { config, role, account: String(account), partition: String(partition) }
    call.io.stdout.write(jsonText(iamPolicy(options)))
  })
}
