/** What is odd about the input, in words: the run goes on with a defined value. */
import { countOf } from '../runtime/figures.js'
import { wasMeant } from './column-names.js'
import { contractOf } from './contract.js'
import { quotedValue } from './unreadable-file.js'
import type { TableFindings } from './validate.js'

/** Sentences for the log and the report, in the order of the tables. */
export function warningsOf(findings: readonly TableFindings[]): string[] {
  return findings.flatMap((table) => {
    const warnings: string[] = []
    if (table.files === 0) warnings.push(`${table.name} is not there: its columns are NULL`)
    if (table.missingOptional.length > 0)
      warnings.push(
        [
          `${table.name} lacks optional columns, which are NULL: ${table.missingOptional.join(', ')}`,
          ...table.missingOptional.flatMap((column) => wasMeant(column, table.extra)),
        ].join('; '),
      )
    for (const { name, whenMissing } of contractOf(table.name).columns)
      if (whenMissing !== undefined && table.missingOptional.includes(name))
        warnings.push(`${table.name} has no ${name}: ${whenMissing}`)
    for (const { column, rows, stored, read } of table.paddedCodes)
      warnings.push(
        `${table.name}.${column} holds numbers: zeros in front were put back in ${countOf(rows, 'row')}, for example ${quotedValue(stored)} is read as ${quotedValue(read)}`,
      )
    for (const { name, form } of contractOf(table.name).columns)
      for (const { column, rows, example } of table.oddTexts)
        if (column === name && form)
          warnings.push(
            `${table.name}.${name} is no ${form.says} in ${countOf(rows, 'row')}, for example ${quotedValue(example)}: ${form.otherwise}`,
          )
    if (table.differingKeys > 0)
      warnings.push(
        `${table.name} has ${countOf(table.differingKeys, 'key')} with differing rows: the first of each is taken`,
      )
    if (table.nullKeys > 0)
      warnings.push(`${table.name} has ${countOf(table.nullKeys, 'row')} with a NULL key: no NULL key ever joins`)
    return warnings
  })
}
