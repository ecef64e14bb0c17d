/** Dockerfiles and Compose file as they stand, before anything runs. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { prepared, run } from './programs.js'
import { imagesOfComposeFile, ONE_SHOTS, SERVICES } from './stack.js'

interface LoadedProject {
  readonly services: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

/** What Docker Compose makes of the file, before variables are filled in: the loader's command line knows none. */
async function loaded(file: string, input = ''): Promise<LoadedProject> {
  const { code, stdout, stderr } = await run(
    prepared('COMPOSE_LOADER'),
    ['-no-interpolation', '-format', 'json', file],
    { input },
  )
  if (code !== 0) throw new Error(stderr)
  const project: LoadedProject = JSON.parse(stdout)
  return project
}

describe('the Dockerfiles', () => {
  it.each(['Dockerfile', 'containers/s3/Dockerfile'])('%s: hadolint has nothing to say', async (file) => {
    expect(await run(prepared('HADOLINT'), [file])).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  it('hadolint sees an image that nobody pinned', async () => {
    const { code, stdout } = await run(prepared('HADOLINT'), ['-'], { input: 'FROM node:latest\n' })
    expect(code).not.toBe(0)
    expect(stdout).toContain('DL3007')
  })
})

describe('the Compose file', () => {
  it("is read by Docker Compose's own loader", async () => {
    const { services } = await loaded('docker-compose.yml')
    expect(Object.keys(services)).toEqual(expect.arrayContaining([...SERVICES, ...ONE_SHOTS, 'etl3']))
    await expect(loaded('-', 'services: { a: { image: "a:1", mem_limits: 1m } }')).rejects.toThrow('mem_limits')
  })

  it('has no credentials of its own', async () => {
    const project = ['--env-file', '/dev/null', '--project-name', 'etl3-check']
    const { code, stderr } = await run(prepared('PODMAN_COMPOSE'), [...project, 'config'])
    expect(code).not.toBe(0)
    expect(stderr).toContain('copy .env.example to .env')
  })

  it('pins every image that comes from a registry', () => {
    for (const image of imagesOfComposeFile())
      expect(image).toMatch(/^docker\.io\/.+:v?\d+(\.\d+)*$|^etl3[a-z0-9-]*:local$/)
    expect(readFileSync('Dockerfile', 'utf8')).toMatch(
      /^ARG NODE_IMAGE=docker\.io\/library\/node:\d+\.\d+\.\d+-bookworm-slim$/m,
    )
  })

  it('gives no service rights, a file system to write to, or a port that others reach', async () => {
    const { services } = await loaded('docker-compose.yml')
    for (const [name, service] of Object.entries(services)) {
      expect({ name, ...service }).toMatchObject({
        name,
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
      })
      const ports = Array.isArray(service['ports']) ? service['ports'] : []
      for (const port of ports) expect(JSON.stringify(port)).toContain('127.0.0.1')
    }
  })

  it('gives every service an init, and an end to its processes and threads', async () => {
    const { services } = await loaded('docker-compose.yml')
    for (const [name, service] of Object.entries(services)) {
      expect({ name, ...service }).toMatchObject({ name, init: true })
      expect(Number(service['pids_limit'])).toBeGreaterThanOrEqual(1024)
      expect(Number(service['pids_limit'])).toBeLessThanOrEqual(4096)
    }
  })

  it("takes the worker's mem_limit and ETL3's own limit from one variable", async () => {
    const { services } = await loaded('docker-compose.yml')
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Compose's own syntax
    const limit = '${ETL3_PROCESSING_MEMORY_LIMIT_MB:-1024}'
    expect(services['worker']).toMatchObject({
      mem_limit: `${limit}m`,
      memswap_limit: `${limit}m`,
      environment: { ETL3_PROCESSING_MEMORY_LIMIT_MB: limit },
    })
  })
})
