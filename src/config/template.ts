/** The text of a new configuration file: what `etl3 init` writes. */

import { isS3Address } from '../runtime/uri.js'
import type { Config, TableName } from './schema.js'

/** What a new configuration depends on. */
export interface TemplateAnswers {
  /** Root of the star: a folder or an s3:// prefix. */
  readonly input: string
  /** Patterns of tables that have more files than the one under the root, by the tables' names. */
  readonly tables?: Readonly<Partial<Record<TableName, string>>>
  /** Where table and records go: a folder or an s3:// prefix. */
  readonly lake: string
  /** Memory of the machine in MB. */
  readonly machineMemoryMb: number
  /** Processors of the machine. */
  readonly cores: number
}

/** The share of the machine that is ETL3's: the system's file cache and Temporal want some, too. */
const MEMORY_SHARE = 1 / 4
const SMALLEST_LIMIT_MB = 512
const WORKER_MB = 1024
/** While it writes, a worker uses a second core for its files. */
const CORES_PER_WORKER = 2

/** Memory, workers and chunk for a machine (README, "Tuning"). */
export function processingFor({
  machineMemoryMb,
  cores,
}: Pick<TemplateAnswers, 'machineMemoryMb' | 'cores'>): Pick<
  Config['processing'],
  'chunk_size' | 'max_workers' | 'memory_limit_mb'
> {
  const limitMb = Math.max(SMALLEST_LIMIT_MB, Math.floor((machineMemoryMb * MEMORY_SHARE) / 256) * 256)
  const workers = Math.max(1, Math.min(Math.floor(cores / CORES_PER_WORKER), Math.floor(limitMb / WORKER_MB)))
  const chunk = limitMb < WORKER_MB ? 500 : limitMb === WORKER_MB ? 1000 : 2000
  return { chunk_size: chunk, max_workers: workers, memory_limit_mb: limitMb }
}

/** The whole file, as YAML that ends with a line end. */
export function configTemplate(answers: TemplateAnswers): string {
  const { input } = answers
  const lake = answers.lake.endsWith('/') ? answers.lake : `${answers.lake}/`
  const processing = processingFor(answers)
  const cloud = isS3Address(lake)
  return `# Configuration of ETL3, written by 'etl3 init'. What is not here has its default: 'etl3 config show' lists all values and
# where each comes from, 'etl3 config schema' describes them. A flag or an ETL3_* variable overrides a value of this file.
# Paths are relative to the folder of this file, or to its parent where that is config/.

input:
  root: ${yamlText(input)} # holds gold/, dims/ and xrefs/
${tablesLines(answers)}

output:
  uri: ${yamlText(`${lake}partitioned-data/`)} # the table: nothing else may lie there
  metadata_uri: ${yamlText(`${lake}etl3/`)} # runs, records and reports${cloud ? '' : ', and the catalog'}
  keep_runs: 10 # finished runs that keep their records

processing: # for a machine with ${Math.round(answers.machineMemoryMb / 1024)} GB; 'etl3 memory-test' says whether a run fits
  memory_limit_mb: ${processing.memory_limit_mb} # of all worker processes together, resident
  max_workers: ${processing.max_workers} # processes that share it, 448 MB each at least
  chunk_size: ${processing.chunk_size} # enriched rows between two memory checks

partitioning: # 'etl3 plan --advise' compares this layout with others
  partition_columns:
    - payer_slug
    - state
    - billing_class
    - procedure_set
    - procedure_class
    - primary_taxonomy_code
    - stat_area_name
    - year
    - month

athena: # ${cloud ? 'Glue database and table, and who answers queries' : 'names of the table; the embedded catalog uses the same ones'}
  database: healthcare_data_lake
  table: fact_rate_enriched
${cloud ? athenaLines(lake) : ''}
# temporal:
#   address: 127.0.0.1:7233 # unset: TEMPORAL_* variables and profiles, else a server at this address, else a private one
#   task_queue: etl3 # unset: this one, but on somebody else's server at that address one of its own

logging:
  file: logs/etl3.log

# Chosen with --environment or ETL3_ENVIRONMENT; each overrides the above.
environments:
  development:
    processing: { audit: full }
    logging: { level: debug }
`
}

function tablesLines({ input, tables = {} }: TemplateAnswers): string {
  const named = Object.entries(tables)
  if (named.length > 0) {
    const lines = named.map(([table, pattern]) => `    ${table}: ${yamlText(pattern)}`)
    return ['  tables: # that lie elsewhere, or have several files', ...lines].join('\n')
  }
  const example = yamlText(`${input.replace(/\/$/, '')}/gold/*.parquet`)
  return `  # tables: { fact_rate: ${example} } # a table that lies elsewhere, or several files of facts`
}

function athenaLines(lake: string): string {
  return `  workgroup: primary
  region: us-east-1 # of the bucket
  output_location: ${yamlText(`${lake}athena-results/`)} # of queries; leave it out where the workgroup has a place of its own
`
}

/** A text as a YAML scalar: plain where that cannot be read as anything else, in JSON's quotes (which YAML takes) elsewhere. */
function yamlText(text: string): string {
  return /^[A-Za-z./][\w./:-]*\/?$/.test(text) &&
    !/:$|: /.test(text) &&
    !/^(true|false|null|yes|no|on|off)$/i.test(text)
    ? text
    : JSON.stringify(text)
}
