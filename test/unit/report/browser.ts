/** The report's page in a real browser, with a profile of its own that is thrown away. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type BrowserContext, chromium, type Page } from 'playwright-core'

/** Quiet, and with nothing of its own on the network; a sandbox needs rights that root in a container has not. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** How the page is looked at. */
export interface Look {
  readonly width: number
  readonly colorScheme: 'light' | 'dark'
}

/** A page that is open, and what the browser noted since. */
export interface OpenPage {
  readonly page: Page
  /** Messages of the console, errors of the page. */
  readonly complaints: readonly string[]
  /** Everything that the page asked for, itself included. */
  readonly requests: readonly string[]
}

/** Opens a page from disk, uses it, and closes the browser. */
export async function withPage<T>(html: string, look: Look, use: (open: OpenPage) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'etl3-browser-'))
  const file = join(folder, 'report.html')
  writeFileSync(file, html)
  let browser: BrowserContext | undefined
  try {
    browser = await chromium.launchPersistentContext(join(folder, 'profile'), {
      executablePath: process.env['ETL3_CHROMIUM'] ?? '/usr/bin/chromium',
      headless: true,
      args: FLAGS,
      viewport: { width: look.width, height: 900 },
      colorScheme: look.colorScheme,
      timeout: 90_000,
    })
    const page = await browser.newPage()
    const complaints: string[] = []
    const requests: string[] = []
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(String(error)))
    const own = pathToFileURL(file).href
    page.on('request', (request) => requests.push(request.url() === own ? 'the page' : request.url()))
    await page.goto(own)
    return await use({ page, complaints, requests })
  } finally {
    await browser?.close()
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  }
}
