import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import bcrypt from 'bcrypt'
import fc from 'fast-check'
import { commonPasswords, isBreached } from './breached.ts'
import { openPasswords } from './passwords.ts'
import { argon2Hash, argon2Matches } from './phc.ts'
import { identitySettings } from './settings.ts'
import { openSlots } from './slots.ts'

const open = (settings: object) => openPasswords(identitySettings.parse(settings))
const about = { words: ['margarete@example.org', 'margarete'], secondFactor: false }

it('hashes by the known answer of the reference implementation', async () => {
  const cost = { memory: 65_536, passes: 2, parallelism: 1 }
  const known = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'
  assert.equal(await argon2Hash('password', Buffer.from('somesalt'), cost), known)
  assert.equal(await argon2Matches('password', known), true)
  assert.equal(await argon2Matches('Password', known), false)
})

it('takes no string that is not a whole hash', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string(), async (text) => {
      assert.equal(await argon2Matches('password', `$argon2id$v=19$${text}`), false)
    }),
  )
})

it('verifies hashes of its own and of bcrypt, and knows which are outdated', async () => {
  const passwords = await open({})
  const own = await passwords.hash('correct horse battery')
  const old = await bcrypt.hash('correct horse battery', 10)
  for (const stored of [own, old]) {
    assert.equal(await passwords.verify('correct horse battery', stored), true)
    assert.equal(await passwords.verify('correct horse batterx', stored), false)
  }
  assert.deepEqual([passwords.outdated(own), passwords.outdated(old)], [false, true])
  assert.equal(await passwords.verify('anything', null), false)
})

it('takes no bcrypt hash where the settings say that there is none', async () => {
  const passwords = await open({ legacyBcryptCost: 0 })
  assert.equal(await passwords.verify('correct horse', await bcrypt.hash('correct horse', 10)), false)
})

it('with bcrypt as the method, makes hashes of the cost and refuses what bcrypt would not read', async () => {
  const passwords = await open({ passwordMethod: 'bcrypt', bcryptCost: 11 })
  assert.match(await passwords.hash('x'), /^\$2b\$11\$/)
  const long = randomBytes(37).toString('hex')
  await assert.rejects(passwords.judge(long, about), { code: 'password-weak' })
})

it('judges by length, list and context alone', async () => {
  const passwords = await open({})
  for (const bad of [
    'fourteen chars',
    'correcthorsebatterystaple',
    'margarete@example.org1',
    'abababababababab',
  ])
    await assert.rejects(passwords.judge(bad, about), { code: 'password-weak' }, bad)
  for (const good of [
    'fifteen chars ok',
    '密码密码很长的一句话真的很好记住吧',
    'a'.repeat(5) + randomBytes(100).toString('hex'),
  ])
    await passwords.judge(good, about)
  await passwords.judge('8 chars.', { ...about, secondFactor: true })
  await assert.rejects(passwords.judge('x'.repeat(5) + randomBytes(150).toString('hex'), about))
})

it('knows the most used passwords, thousands of each length that somebody may choose', async () => {
  const known = [...commonPasswords()]
  for (const [from, to] of [
    [8, 14],
    [15, 256],
  ] as const) {
    const fitting = known.filter((word) => word.length >= from && word.length <= to)
    assert.ok(fitting.length > 3_000, `${fitting.length} of ${from} to ${to}`)
    const passwords = await open({})
    for (const word of [fitting[0], fitting[2_999]] as string[])
      await assert.rejects(
        passwords.judge(word.toUpperCase(), { ...about, secondFactor: from === 8 }),
        /stolen/,
      )
  }
  for (const word of ['password', 'iloveyou', '1q2w3e4r5t6y7u8i', 'Passwort123', '１２３４５６７８'])
    assert.equal(await isBreached(word, undefined), true, word)
  assert.equal(await isBreached('a sentence that nobody guesses', undefined), false)
})

it('finds every line of a breached list and nothing else', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'breached-'))
  const file = join(directory, 'list')
  const sha1 = (text: string) => createHash('sha1').update(text).digest('hex').toUpperCase()
  const listed = Array.from({ length: 300 }, (_, i) => `listed ${i}`)
  try {
    for (const end of ['', '\n', '\r\n']) {
      const lines = listed.map((word, i) => `${sha1(word)}:${10 ** (i % 7)}`).toSorted()
      writeFileSync(file, lines.join(end || '\n') + end)
      for (const word of listed) assert.equal(await isBreached(word, file), true, word)
      for (let i = 0; i < 300; i += 1) assert.equal(await isBreached(`unlisted ${i}`, file), false)
    }
    writeFileSync(file, '')
    assert.equal(await isBreached('nothing of that kind', file), false)
  } finally {
    rmSync(directory, { recursive: true })
  }
})

it('hashes so many at once, lets so many wait, and refuses the rest', async () => {
  const slot = openSlots(2, 3)
  let running = 0
  let most = 0
  const work = async () => {
    running += 1
    most = Math.max(most, running)
    await new Promise((done) => setTimeout(done, 5))
    running -= 1
  }
  const results = await Promise.allSettled(Array.from({ length: 10 }, () => slot(work)))
  assert.equal(most, 2)
  assert.deepEqual(
    results.map(({ status }) => status),
    [...Array(5).fill('fulfilled'), ...Array(5).fill('rejected')],
  )
  await slot(work)
})
