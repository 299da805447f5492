/**
 * Runs a script of this project on the project's own Node, installing packages first where that is needed:
 *
 *   node dev/bootstrap.mjs SCRIPT [args]
 *
 * It runs on Node 20 with nothing installed. Packages count as installed when npm's own record of what it put into
 * node_modules names the versions of package-lock.json.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { guardProcess } from './guard.mjs'
import { tryLock } from './file-lock.mjs'

const nodeMin = 20
const waitMaxMs = 10 * 60_000
const root = dirname(dirname(fileURLToPath(import.meta.url)))
const binFolder = join(root, 'node_modules', '.bin')
const projectNode = join(binFolder, 'node')

await main(process.argv.slice(2))

async function main([script, ...args]) {
  if (script === undefined) fail('No script was named', 'Usage: node dev/bootstrap.mjs SCRIPT [args]')
  if (Number.parseInt(process.versions.node, 10) < nodeMin) {
    fail(
      `Node ${nodeMin} or later is needed, this is ${process.versions.node}`,
      'Get one from https://nodejs.org',
    )
  }
  if (!isInstalled()) await installOnce()
  run(script, args)
}

/** True if each package that every platform needs is there in the version of the lock file. */
function isInstalled() {
  if (!existsSync(projectNode)) return false
  try {
    const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
    const present = JSON.parse(
      readFileSync(join(root, 'node_modules', '.package-lock.json'), 'utf8'),
    ).packages
    return Object.entries(wanted).every(
      ([path, entry]) =>
        !path.includes('node_modules/') ||
        (present[path]
          ? present[path].version === entry.version
          : Boolean(entry.optional || entry.devOptional)),
    )
  } catch {
    return false // no record, or one half written: install
  }
}

/** Installs under a lock, so that of several starts at once one installs and the others wait for it. */
async function installOnce() {
  const id = createHash('sha256').update(`${process.getuid?.()}:${root}`).digest('hex').slice(0, 16)
  const path = join(tmpdir(), `halyard-install-${id}.lock`)
  const giveUp = Date.now() + waitMaxMs
  let isTold = false
  for (;;) {
    const lock = tryLock(path)
    if (lock.release) {
      process.once('exit', lock.release)
      if (!isInstalled()) await install()
      lock.release()
      process.removeListener('exit', lock.release)
      return
    }
    if (Date.now() > giveUp)
      fail('Another start has been installing packages for too long', `Remove ${path}*`)
    if (!isTold) say(`waiting for process ${lock.holder}, which installs the packages`)
    isTold = true
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

async function install() {
  const start = Date.now()
  say('installing packages (first start only, about half a minute) ...')
  const result = await npm(['ci'])
  if (result.error || result.status !== 0 || !existsSync(projectNode)) explain(result)
  say(`packages installed in ${Math.round((Date.now() - start) / 1000)} s`)
}

/** Runs npm in a process group of its own, which does not outlive us: nobody else may install meanwhile. */
function npm(args) {
  // Without the project's own folder of programs: npm is about to replace it.
  const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== binFolder)
  const child = spawn('npm', [...args, '--include=dev', '--no-audit', '--no-fund'], {
    cwd: root,
    env: { ...process.env, PATH: path.join(delimiter), NODE_ENV: 'development' },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const release = child.pid === undefined ? () => {} : guardProcess(-child.pid, 'KILL')
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
  return new Promise((resolve) => {
    const finish = (result) => {
      release()
      resolve({ output, ...result })
    }
    child.once('error', (error) => finish({ error, status: null }))
    child.once('close', (status) => finish({ status }))
  })
}

function explain({ status, error, output }) {
  if (error?.code === 'ENOENT')
    fail('npm was not found', 'Install it: it comes with Node from https://nodejs.org')
  if (/ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ECONNRESET|ENETUNREACH/.test(output)) {
    fail('The npm registry cannot be reached', 'Check the network or the npm proxy settings, then try again')
  }
  if (/ENOSPC/.test(output)) fail('The disk is full', 'Packages need about 700 MB')
  process.stderr.write(output)
  if (status === 0)
    fail(
      'npm ran no install scripts, so there is no Node 24',
      'Allow them: npm config set ignore-scripts false',
    )
  fail(`npm failed${status === null ? '' : ` with code ${status}`}`, 'Its output is above')
}

function run(script, args) {
  const env = {
    NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'node'), // halves the start of the command line
    ...process.env,
    PATH: `${binFolder}${delimiter}${process.env.PATH ?? ''}`,
  }
  // The channel is never written to: it closes when this process dies, however it dies.
  const child = spawn(projectNode, [script, ...args], {
    cwd: root,
    env,
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.once('error', (error) =>
    fail(`${projectNode} does not start (${error.code})`, 'Remove node_modules and try again'),
  )
  child.once('exit', (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : code))
}

function say(text) {
  process.stderr.write(`halyard: ${text}\n`)
}

function fail(problem, remedy) {
  process.stderr.write(`error: ${problem}. ${remedy}\n`)
  process.exit(1)
}
