/** A Python with the pinned packages that tests compare with: ETL3_PYTHON, else a virtual environment in .venv. */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './project.mjs'
import { exitCode, run, say, step } from './steps.mjs'

const REQUIREMENTS = join(ROOT, 'scripts', 'python-requirements.txt')
const EXTENSIONS = join(ROOT, 'scripts', 'python-extensions.txt')
const VENV = join(ROOT, '.venv')
const SIDE_FOLDER = join(VENV, 'packages')
const PIP_INSTALL = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--only-binary', ':all:']

/** Finds or sets up the Python. @returns variables for the tests; none where it can't be had */
export async function preparePython() {
  const given = process.env.ETL3_PYTHON
  if (given) {
    if (await hasPackages(given)) return { ETL3_PYTHON: given }
    say(`· ETL3_PYTHON (${given}) has not the packages of scripts/python-requirements.txt; setting up another`)
  }
  const python = join(VENV, 'bin', 'python')
  if (existsSync(python) && (await hasPackages(python))) return { ETL3_PYTHON: python }
  const side = { ETL3_PYTHON: 'python3', PYTHONPATH: SIDE_FOLDER }
  if (existsSync(SIDE_FOLDER) && (await hasPackages('python3', side))) return side

  for (const [title, setUp] of ways(python)) {
    try {
      const variables = await step(title, async () => {
        rmSync(VENV, { recursive: true, force: true })
        return await setUp()
      })
      return variables
    } catch {
      // The step has said why; the next way may do.
    }
  }
  say('  No Python with duckdb and pyarrow: tests that compare with them will fail.')
  say('  Install Python 3.11 or newer with venv and pip (Debian: apt-get install python3-venv python3-pip),')
  say('  or name one that has the packages of scripts/python-requirements.txt in ETL3_PYTHON.')
  return {}
}

function ways(python) {
  const intoVenv = async () => {
    await install(python)
    return { ETL3_PYTHON: python }
  }
  return [
    [
      'Setting up Python in .venv (python3 -m venv, pip)',
      async () => {
        await run('python3', ['-m', 'venv', VENV])
        return await intoVenv()
      },
    ],
    [
      'Setting up Python in .venv (virtualenv, pip)',
      async () => {
        await run('virtualenv', ['--quiet', '--python', 'python3', VENV])
        return await intoVenv()
      },
    ],
    [
      'Setting up Python packages in .venv/packages (pip --target)',
      async () => {
        await install('python3', '--target', SIDE_FOLDER)
        return { ETL3_PYTHON: 'python3', PYTHONPATH: SIDE_FOLDER }
      },
    ],
  ]
}

async function install(python, ...where) {
  await run(python, [...PIP_INSTALL, ...where, '-r', REQUIREMENTS])
  await run(python, [...PIP_INSTALL, ...where, '--no-deps', '-r', EXTENSIONS])
}

/** Whether a Python has exactly the pinned versions. */
async function hasPackages(python, variables = {}) {
  const pins = [REQUIREMENTS, EXTENSIONS]
    .flatMap((file) => readFileSync(file, 'utf8').split('\n'))
    .filter((line) => line.includes('=='))
    .map((line) => line.trim().split('=='))
    // moto[server]: the extra is no part of the package's name.
    .map(([name, version]) => [name.replace(/\[.*\]$/, ''), version])
  const check = `import importlib.metadata as m, json, sys; sys.exit(any(m.version(n) != v for n, v in json.loads(sys.argv[1])))`
  const env = { ...process.env, ...variables }
  return (await exitCode(python, ['-c', check, JSON.stringify(pins)], { stdio: 'ignore', env })) === 0
}
