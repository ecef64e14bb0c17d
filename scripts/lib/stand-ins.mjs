/**
 * Stand-ins for images that a registry would give, under their public names: built once from Debian packages, npm,
 * PyPI, Go modules and Maven Central, so that the Compose file comes up where no image registry can be reached.
 */
import { createHash } from 'node:crypto'
import { chmodSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { answerOf, podman } from './podman.mjs'
import { ROOT } from './project.mjs'
import { run, step } from './steps.mjs'
import { findTemporal } from './temporal.mjs'
import { prepareTrino, prepareTrinoCli } from './trino.mjs'

const CONTAINERFILES = join(ROOT, 'test', 'containers', 'stand-ins')
const BASE = 'localhost/etl3-stand-in/debian'
const LABEL = 'etl3.stand-in'
const NPM_VERSION = '11.21.2'
// What `moto[server]` needs for the services that the Compose file uses; all of them would be 400 MB.
const MOTO_PARTS = ['moto[athena,glue,s3,sts]==TAG', 'flask', 'flask-cors']
/** Certificates of this machine, for builds that fetch something: they trust whom the machine trusts. */
export const CERTIFICATES = '/etc/ssl/certs'

/** How each image's context is filled; its Containerfile says the rest. */
const FILLERS = { node: fillNode, temporal: fillTemporal, versitygw: fillVersitygw, moto: fillMoto, trino: fillTrino }

/**
 * Builds what is not there. An image that has the public name and is no stand-in is the real one, and stays.
 * @param images image name with tag, by the name of its stand-in
 */
export async function buildStandIns(images) {
  for (const [name, image] of Object.entries(images)) {
    const files = readdirSync(join(CONTAINERFILES, name)).sort()
    const texts = files.map((file) => readFileSync(join(CONTAINERFILES, name, file), 'utf8'))
    const digest = createHash('sha256')
      .update(JSON.stringify([image, ...texts]))
      .digest('hex')
      .slice(0, 16)
    const there = await labelOf(image)
    if (there === digest || there === '') continue
    if (texts.some((text) => text.includes(BASE))) await buildBase()
    await step(`Building a stand-in for ${image}`, () => buildStandIn({ name, image, digest }))
  }
}

async function buildStandIn({ name, image, digest }) {
  const context = mkdtempSync(join(tmpdir(), `etl3-${name}-`))
  try {
    cpSync(join(CONTAINERFILES, name), context, { recursive: true })
    await FILLERS[name](context, image.split(':').at(-1))
    const build = ['build', '--quiet', '--network', 'host', '--volume', `${CERTIFICATES}:${CERTIFICATES}:ro`]
    await podman([...build, '--label', `${LABEL}=${digest}`, '--tag', image, context])
  } finally {
    rmSync(context, { recursive: true, force: true })
  }
}

/** The stand-in's digest; '' for a real image, undefined where there is none. */
async function labelOf(image) {
  const format = `{{ index .Labels "${LABEL}" }}`
  return await answerOf('podman', ['image', 'inspect', '--format', format, image])
}

async function buildBase() {
  if ((await answerOf('podman', ['image', 'inspect', '--format', '{{ .Id }}', BASE])) !== undefined) return
  await step('Making a small Debian (debootstrap)', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'etl3-debian-'))
    try {
      const root = join(folder, 'root')
      await run('debootstrap', ['--variant=minbase', '--include=ca-certificates', 'bookworm', root], {
        stdio: ['ignore', 'ignore', 2],
      })
      for (const cache of ['var/cache/apt/archives', 'var/lib/apt/lists', 'usr/share/doc', 'usr/share/locale']) {
        rmSync(join(root, cache), { recursive: true, force: true })
      }
      const archive = join(folder, 'root.tar')
      await run('tar', ['-C', root, '-cf', archive, '.'])
      await podman(['import', '--quiet', archive, BASE])
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
}

async function fillNode(context, tag) {
  const version = tag.split('-')[0]
  const platform = { x64: 'linux-x64', arm64: 'linux-arm64' }[process.arch]
  await unpackNpm(context, `node-${platform}@${version}`)
  copyFileSync(join(context, 'package', 'bin', 'node'), join(context, 'node'))
  rmSync(join(context, 'package'), { recursive: true })
  await unpackNpm(context, `npm@${NPM_VERSION}`)
  cpSync(join(context, 'package'), join(context, 'npm'), { recursive: true })
  rmSync(join(context, 'package'), { recursive: true })
}

async function unpackNpm(folder, spec) {
  await run('npm', ['pack', '--silent', '--pack-destination', folder, spec], { stdio: ['ignore', 'ignore', 2] })
  const archive = readdirSync(folder).find((name) => name.endsWith('.tgz'))
  await run('tar', ['-xzf', join(folder, archive), '-C', folder])
  rmSync(join(folder, archive))
}

async function fillTemporal(context) {
  const binary = join(context, 'temporal')
  copyFileSync(await findTemporal(), binary)
  chmodSync(binary, 0o755)
}

async function fillVersitygw(context, tag) {
  copyFileSync('/bin/busybox', join(context, 'busybox'))
  mkdirSync(join(context, 'bin'))
  const env = { ...process.env, CGO_ENABLED: '0', GOBIN: join(context, 'bin') }
  await run('go', ['install', `github.com/versity/versitygw/cmd/versitygw@${tag}`], { env })
  copyFileSync(join(context, 'bin', 'versitygw'), join(context, 'versitygw'))
}

async function fillMoto(context, tag) {
  // Packages for the image's Python, whatever this machine's is.
  const target = ['--target', join(context, 'moto'), '--python-version', '3.11', '--only-binary', ':all:']
  await run('python3', [
    '-m',
    'pip',
    'install',
    '--quiet',
    ...target,
    ...MOTO_PARTS.map((part) => part.replace('TAG', tag)),
  ])
}

async function fillTrino(context) {
  const { java, home } = await prepareTrino('python3')
  const platform = { x64: 'linux-amd64', arm64: 'linux-arm64' }[process.arch]
  const others = readdirSync(join(home, 'bin')).filter((name) => /^(linux|darwin)-/.test(name) && name !== platform)
  cpSync(home, join(context, 'trino'), {
    recursive: true,
    filter: (path) => !others.some((name) => path === join(home, 'bin', name)),
  })
  const jdk = join(java, '..', '..')
  // What a program that runs does not need.
  const spare = ['jmods', 'src.zip', 'lib/src.zip', 'demo', 'man'].map((name) => join(jdk, name))
  cpSync(jdk, join(context, 'jdk'), {
    recursive: true,
    // A JDK of Debian's points into other folders.
    dereference: true,
    filter: (path) => !spare.includes(path),
  })
  copyFileSync(await prepareTrinoCli(), join(context, 'trino-cli'))
}
