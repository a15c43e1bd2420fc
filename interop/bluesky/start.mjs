// Starts a PDS with its PLC directory in memory, makes two accounts with an
// app password each, and prints what the interop test wants in its environment.
// It runs until it is stopped and keeps nothing: the data folder is temporary.
//
//   node start.mjs [--port 2683] [--plc-port 2682]
//
// Everything listens on and speaks to loopback only.

import { createServer } from 'node:net'
import { mkdtemp, rm } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PDS, envToCfg, envToSecrets } from '@atproto/pds'
import plc from '@did-plc/server'

const people = [
  { letter: 'A', handle: 'parley-desk.test' },
  { letter: 'B', handle: 'outside-voice.test' },
]

function option(name, fallback) {
  const i = process.argv.indexOf(name)
  return i > 0 ? Number(process.argv[i + 1]) : fallback
}

// freePort asks the system for one, so that two runs do not meet.
function freePort() {
  return new Promise((resolve, reject) => {
    const s = createServer()
    s.once('error', reject)
    s.listen(0, '127.0.0.1', () => {
      const { port } = s.address()
      s.close(() => resolve(port))
    })
  })
}

const hex = (n) => randomBytes(n).toString('hex')

async function startPLC(port) {
  const server = plc.PlcServer.create({ db: plc.Database.mock(), port })
  await server.start()
  return { url: `http://localhost:${port}`, stop: () => server.destroy() }
}

async function startPDS(port, plcURL, dir) {
  const env = {
    devMode: true, // lets the handles' resolution and the PLC be http and local
    hostname: 'localhost',
    port,
    dataDirectory: dir,
    blobstoreDiskLocation: join(dir, 'blobs'),
    didPlcUrl: plcURL,
    serviceHandleDomains: ['.test'],
    inviteRequired: false,
    disableSsrfProtection: true, // the PLC is on loopback
    jwtSecret: hex(16),
    adminPassword: hex(16),
    plcRotationKeyK256PrivateKeyHex: hex(32),
    recoveryDidKey: undefined,
  }
  const pds = await PDS.create(envToCfg(env), envToSecrets(env))
  await pds.start()
  return { url: `http://localhost:${port}`, stop: () => pds.destroy() }
}

async function call(base, method, body, token) {
  const res = await fetch(`${base}/xrpc/${method}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token ? { authorization: `Bearer ${token}` } : {}),
    },
    body: JSON.stringify(body),
  })
  const answer = await res.json()
  if (!res.ok) throw new Error(`${method}: ${res.status} ${JSON.stringify(answer)}`)
  return answer
}

// join makes an account and an app password that may read direct messages.
async function joinUp(base, { letter, handle }) {
  const made = await call(base, 'com.atproto.server.createAccount', {
    handle,
    email: `${handle}@example.com`,
    password: hex(12),
  })
  const { password } = await call(
    base,
    'com.atproto.server.createAppPassword',
    { name: 'parley', privileged: true },
    made.accessJwt,
  )
  return { letter, handle, did: made.did, password }
}

const dir = await mkdtemp(join(tmpdir(), 'parley-pds-'))
const directory = await startPLC(option('--plc-port', await freePort()))
const pds = await startPDS(option('--port', await freePort()), directory.url, dir)

console.log(`export PARLEY_INTEROP_BLUESKY=${pds.url}`)
console.log(`export PARLEY_INTEROP_BLUESKY_PLC=${directory.url}`)
for (const who of people) {
  const { letter, handle, password } = await joinUp(pds.url, who)
  console.log(`export PARLEY_INTEROP_BLUESKY_${letter}=${handle}:${password}`)
}
console.log('# ready; stop with Ctrl-C')

async function stop() {
  await pds.stop()
  await directory.stop()
  await rm(dir, { recursive: true, force: true })
  process.exit(0)
}
process.once('SIGINT', stop)
process.once('SIGTERM', stop)
