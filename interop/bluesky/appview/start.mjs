// Starts a PLC directory in memory, a PDS, and the AppView behind it, makes two
// accounts with an app password each, and prints what the interop test wants in
// its environment. start.sh provides PostgreSQL and Redis.

import { createServer } from 'node:net'
import { randomBytes } from 'node:crypto'
import { TestBsky, TestBsync, TestPds, TestPlc, mockNetworkUtilities } from '@atproto/dev-env'

const people = [
  { letter: 'A', handle: 'parley-desk.test' },
  { letter: 'B', handle: 'outside-voice.test' },
]

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

async function joinUp(base, { letter, handle }) {
  const made = await call(base, 'com.atproto.server.createAccount', {
    handle,
    email: `${handle}@example.com`,
    password: randomBytes(12).toString('hex'),
  })
  const { password } = await call(
    base,
    'com.atproto.server.createAppPassword',
    { name: 'parley', privileged: true },
    made.accessJwt,
  )
  console.log(`export PARLEY_INTEROP_BLUESKY_${letter}=${handle}:${password}`)
}

const dbUrl = process.env.DB_POSTGRES_URL
const redisHost = process.env.REDIS_HOST
const apiKey = randomBytes(8).toString('hex')

const plc = await TestPlc.create({})
const pdsPort = await freePort()
const bsync = await TestBsync.create({ apiKeys: [apiKey], dbUrl, dbSchema: 'bsync' })
const bsky = await TestBsky.create({
  plcUrl: plc.url,
  pdsPort,
  bsyncUrl: bsync.url,
  bsyncApiKey: apiKey,
  repoProvider: `ws://localhost:${pdsPort}`,
  dbPostgresUrl: dbUrl,
  dbPostgresSchema: 'appview',
  redisHost,
  modServiceDid: 'did:example:moderation',
  labelsFromIssuerDids: [],
})
bsync.ctx.dataplaneClients = [bsky.ctx.dataplane]
const pds = await TestPds.create({
  port: pdsPort,
  didPlcUrl: plc.url,
  bskyAppViewUrl: bsky.url,
  bskyAppViewDid: bsky.serverDid,
})
mockNetworkUtilities(pds, bsky)

console.log(`export PARLEY_INTEROP_BLUESKY=${pds.url}`)
console.log(`export PARLEY_INTEROP_BLUESKY_PLC=${plc.url}`)
console.log(`export PARLEY_INTEROP_BLUESKY_APPVIEW=${bsky.url}`)
for (const who of people) await joinUp(pds.url, who)
console.log('# ready; stop with Ctrl-C')

process.once('SIGTERM', () => process.exit(0))
process.once('SIGINT', () => process.exit(0))
