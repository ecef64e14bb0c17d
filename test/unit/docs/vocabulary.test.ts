import { describe, expect, it } from 'vitest'
import { vocabularyMarkdown } from '../../../src/report/vocabulary-markdown.js'

describe('docs/vocabulary.md', () => {
  it('is what the vocabularies say now', async () => {
    await expect(vocabularyMarkdown()).toMatchFileSnapshot('../../../docs/vocabulary.md')
  })
})
