// Does the password fit that a hash was made of, of each kind that mosquitto_passwd makes, and are lines read as Mosquitto does?
import { writeFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../../support/tap.ts'
import { Passwords } from '../../../mosquitto-compat/index.ts'
import { ANN_LINE, temporaryFolder } from '../../support/index.ts'
import { runProgram } from '../../support/programs.ts'

const LONG_SALT =
  '$7$1000$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==$EJyP13vg6gb7YJ+/jeoG2szo4T69XmkT8BXh2ovbYJkx2x+GP8lkrWWJw4idzq7+wZXazkLcftdrlkEnKABqpA=='

const bytes = (text: string) => Buffer.from(text)

await t.test('hashes that other programs made', async (t) => {
  const lines = {
    'mosquitto_passwd 2.0': ANN_LINE.slice('ann:'.length),
    // PBKDF2 of `secret1` by Python's hashlib, 1,000 iterations and a salt of 64 bytes, as Mosquitto 2.1 does.
    'mosquitto_passwd 2.1': LONG_SALT,
    // The reference implementation of Argon2 has this among its tests.
    argon2id: '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
  }
  for (const [what, hash] of Object.entries(lines)) {
    const passwords = new Passwords(`ann:${hash}`)
    const right = what === 'argon2id' ? 'password' : 'secret1'
    t.equal(passwords.isKnown('ann', bytes(right)), false, 'nobody has shown it')
    t.equal(await passwords.fit('ann', bytes(right)), true, what)
    t.equal(passwords.isKnown('ann', bytes(right)), true, 'it is not hashed again')
    for (const wrong of ['', 'secret', 'Secret1', 'secret1\n']) {
      t.equal(await passwords.fit('ann', bytes(wrong)), false, JSON.stringify(wrong))
      t.equal(passwords.isKnown('ann', bytes(wrong)), false)
    }
    t.equal(await passwords.fit('bob', bytes(right)), false, 'an unknown name')
    t.equal(passwords.isKnown('bob', bytes(right)), false)
  }
})

await t.test('the program on this machine', async (t) => {
  const path = join(temporaryFolder(t, 'passwd'), 'passwords')
  writeFileSync(path, '')
  await runProgram(t, 'mosquitto_passwd', ['-b', path, 'ann', 'päss wörd'])
  await runProgram(t, 'mosquitto_passwd', ['-b', path, 'no password', ''])
  await runProgram(t, 'mosquitto_passwd', ['-H', 'sha512', '-b', path, 'bob', '#:$'])
  const passwords = new Passwords(readFileSync(path, 'utf8'))
  t.equal(await passwords.fit('ann', bytes('päss wörd')), true)
  t.equal(await passwords.fit('bob', bytes('#:$')), true)
  t.equal(await passwords.fit('no password', bytes('')), true)
})

await t.test('lines', async (t) => {
  const passwords = new Passwords(`# ann:x\r\n\r\nno colon\r\n  ${ANN_LINE}  :more\r\n`)
  t.equal(passwords.size, 1)
  t.equal(await passwords.fit('ann', bytes('secret1')), true, 'spaces around a name, CRLF, and what follows')
  const hash = Buffer.alloc(64).toString('base64')
  for (const [line, problem] of [
    ['ann:secret1', /mosquitto_passwd -U/],
    ['ann:', /no hash/],
    [':$6$AAAA$x', /no user name/],
    [`${ANN_LINE}\n${ANN_LINE}`, /an earlier line/],
    [`provider:$6$AAAA$${hash}`, /`provider`/],
    ['ann:$6$AAAA$AAAA', /cut off/],
    [`ann:$6$$${hash}`, /cut off/],
    [`ann:$6$AA{A$${hash}`, /no Base64/],
    [`ann:$6$AAAA$${hash.replace('A', '-')}`, /no Base64/],
    [`ann:$7$0$AAAA$${hash}`, /iterations/],
    [`ann:$7$-1$AAAA$${hash}`, /iterations/],
    [`ann:$7$2000000$AAAA$${hash}`, /iterations/],
    [`ann:$5$AAAA$${hash}`, /no hash of mosquitto_passwd/],
    [`ann:$argon2id$v=16$m=64,t=1,p=1$c29tZXNhbHQ$${hash}`, /version/],
    [`ann:$argon2id$v=19$m=1073741824,t=1,p=1$c29tZXNhbHQ$${hash}`, /Argon2 settings/],
    [`ann:$argon2id$v=19$m=4,t=1,p=1$c29tZXNhbHQ$${hash}`, /Argon2 settings/],
    [`ann:$argon2id$v=19$m=64,t=1,p=1$AAAA$${hash}`, /cut off/],
  ] as const)
    t.throws(() => new Passwords(`# one\n${line}`), { message: problem, line: /2|3/ }, line.slice(0, 30))
})

await t.test('a file that has changed', async (t) => {
  const [before, after] = [new Passwords(`${ANN_LINE}\n`), new Passwords(`${ANN_LINE}\nbob:${LONG_SALT}\n`)]
  await before.fit('ann', bytes('secret1'))
  after.follow(before)
  t.equal(after.isKnown('ann', bytes('secret1')), true, 'what fitted still does where its line is the same')
  const other = new Passwords(`ann:${LONG_SALT}\n`)
  other.follow(after)
  t.equal(other.isKnown('ann', bytes('secret1')), false)
})
