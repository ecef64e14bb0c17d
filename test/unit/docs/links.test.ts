import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'

const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...readdirSync('docs')
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
]

/** A page without its code blocks. */
function textOf(page: string): string {
  return readFileSync(page, 'utf8').replace(/^```[\s\S]*?^```$/gm, '')
}

/** Anchors of a page, as GitHub makes them of headings. */
function anchorsOf(page: string): string[] {
  return [...textOf(page).matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

/** Links of a page to other files and places of the project. */
function linksOf(page: string): { readonly file: string; readonly anchor: string | undefined }[] {
  return [...textOf(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^https?:/.test(target))
    .map((target) => {
      const [path = '', anchor] = target.split('#')
      return { file: path === '' ? page : join(dirname(page), path), anchor }
    })
}

describe.each(PAGES)('%s', (page) => {
  it('links to files and headings that are there', () => {
    for (const { file, anchor } of linksOf(page)) {
      expect(existsSync(file), file).toBe(true)
      if (anchor !== undefined) expect(anchorsOf(file), file).toContain(anchor)
    }
  })
})

describe('CONTRIBUTING.md and docs/architecture.md', () => {
  it('name files and folders of the sources that are there', () => {
    for (const page of ['CONTRIBUTING.md', 'docs/architecture.md']) {
      const named = [...textOf(page).matchAll(/`((?:src|test|scripts|bench|config)\/[\w./-]*)`/g)].map(
        ([, path = '']) => path,
      )
      expect(named.length, page).toBeGreaterThan(10)
      for (const path of named) expect(existsSync(path), `${page}: ${path}`).toBe(true)
    }
  })

  it('have every room of src/ on the map', () => {
    const map = textOf('CONTRIBUTING.md')
    const rooms = readdirSync('src', { withFileTypes: true }).filter((entry) => entry.isDirectory())
    for (const { name } of rooms) expect(map).toContain(`| \`src/${name}/\` |`)
  })
})

describe('docs/guarantees.md', () => {
  it('names tests that are there, at least one for each promise', () => {
    const promises = readFileSync('docs/guarantees.md', 'utf8')
      .split(/^## /m)
      .filter((section) => /^\d\. /.test(section))
    expect(promises).toHaveLength(6)
    for (const promise of promises) {
      const named = [...promise.matchAll(/`(test\/[^`]+)`/g)].map(([, path = '']) => path)
      expect(named).not.toEqual([])
      for (const path of named) expect(existsSync(path), path).toBe(true)
    }
  })
})
