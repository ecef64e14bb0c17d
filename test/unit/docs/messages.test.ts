import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'

/** Words that a reader of American technical English does not expect in a message. */
const ODD_WORDS = /\bcan't\b|\bmend(?:s|ed|ing)?\b/i

/** The texts of a source file, without its comments. */
function textsOf(path: string): string[] {
  const texts: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node)) {
      texts.push(node.text)
    }
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest))
  return texts
}

describe('the texts of the program', () => {
  it('say "cannot" and "fix"', () => {
    const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
    const texts = files.flatMap((name) => textsOf(join('src', name)))
    expect(texts.length).toBeGreaterThan(1_000)
    expect(texts.filter((text) => ODD_WORDS.test(text))).toEqual([])
  })
})
