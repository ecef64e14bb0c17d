/** How many digits a code has. A file that holds codes as numbers has lost the zeros in front of them. */
import { sqlString } from '../engine/sql.js'
import type { Width } from './column-kinds.js'

/** The least of these widths that holds the digits, or the width of the row's `code_type`. */
export type CodeWidth = readonly [number, ...number[]] | 'code_type'

/** Digits of the codes of a `code_type`, where it has codes of digits alone and a width at all. */
export const CODE_TYPE_WIDTHS: Readonly<Record<string, number>> = { CPT: 5, HCPCS: 5, 'MS-DRG': 3, RC: 4 }

/**
 * SQL of a code's width, 0 where it has none.
 *
 * @param codeType SQL of the row's `code_type`
 */
export function widthOf(width: CodeWidth | undefined, codeType: string): Width {
  if (width === undefined) return () => '0'
  if (width === 'code_type') {
    const cases = Object.entries(CODE_TYPE_WIDTHS).map(([type, digits]) => `WHEN ${sqlString(type)} THEN ${digits}`)
    return () => `CASE upper(trim(${codeType})) ${cases.join(' ')} ELSE 0 END`
  }
  const cases = width.map((digits) => (x: string) => `WHEN strlen(${x}) <= ${digits} THEN ${digits}`)
  return (x) => `CASE ${cases.map((of) => of(x)).join(' ')} ELSE 0 END`
}

/** A width in words. */
export function widthText(width: CodeWidth): string {
  if (width !== 'code_type') return `${width.join(' or ')} digits`
  const types = Object.entries(CODE_TYPE_WIDTHS).map(([type, digits]) => `${digits} for ${type}`)
  return `digits by \`code_type\`: ${types.join(', ')}`
}
