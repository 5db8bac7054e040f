// Are secrets on disk readable by their owner only, whole or absent, and never replaced?
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { t } from '../support/tap.ts'
import { fileSecrets } from '../../auth/index.ts'

const never = () => {
  throw new Error('there is one already')
}

async function temporary(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'auth-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  return directory
}

await t.test('modes: directory 0700, file 0600, whatever the umask', async (t) => {
  const previous = process.umask(0)
  t.teardown(() => process.umask(previous))
  const directory = join(await temporary(), 'deep', 'keys')
  const warnings: string[] = []
  await fileSecrets(directory, { warn: (message) => warnings.push(message) }).secret('a.key', () => 'secret')
  t.equal((await stat(directory)).mode & 0o777, 0o700)
  t.equal((await stat(join(directory, '..'))).mode & 0o777, 0o700)
  t.equal((await stat(join(directory, 'a.key'))).mode & 0o777, 0o600)
  t.same(await readdir(directory), ['a.key'])
  t.same(warnings, [])
})

await t.test('it is made once, and the same from then on', async (t) => {
  const directory = await temporary()
  t.equal(await fileSecrets(directory).secret('a.key', () => 'first'), 'first')
  t.equal(await fileSecrets(directory).secret('a.key', never), 'first')
  t.equal(await fileSecrets(directory).secret('b.key', () => 'other'), 'other')
  t.equal(await readFile(join(directory, 'a.key'), 'utf8'), 'first\n', 'a text file, for people and their tools')
})

await t.test('twenty calls at once agree', async (t) => {
  const secrets = fileSecrets(join(await temporary(), 'new'))
  const calls = Array.from({ length: 20 }, (_, n) => secrets.secret('a.key', () => `secret ${n}`))
  t.equal(new Set(await Promise.all(calls)).size, 1)
})

await t.test('when it cannot be made, nothing is left behind, and the error comes back', async (t) => {
  const directory = await temporary()
  const failure = new Error('no entropy')
  const failing = () => {
    throw failure
  }
  await t.rejects(fileSecrets(join(directory, 'new')).secret('a.key', failing), failure)
  await t.rejects(fileSecrets(directory).secret('a.key', failing), failure)
  for (const text of ['', 'a\n', 'a\r\n'])
    await t.rejects(
      fileSecrets(directory).secret('a.key', () => text),
      TypeError,
    )
  t.same(await readdir(directory), [])
  await writeFile(join(directory, 'file'), '')
  await t.rejects(
    fileSecrets(join(directory, 'file')).secret('a.key', () => 'a'),
    { code: 'EEXIST' },
  )
})

await t.test('an empty file is an error and not a secret', async (t) => {
  const directory = await temporary()
  for (const text of ['', '\n', '\r\n']) {
    await writeFile(join(directory, 'a.key'), text, { mode: 0o600 })
    await t.rejects(
      fileSecrets(directory).secret('a.key', () => 'new'),
      /a\.key is empty; restore it, or remove it/,
    )
  }
})

await t.test('the line end that an editor leaves is no part of it', async (t) => {
  const directory = await temporary()
  await writeFile(join(directory, 'a.key'), 'se cret \r\n', { mode: 0o600 })
  t.equal(await fileSecrets(directory).secret('a.key', never), 'se cret ')
})

await t.test('a file that others could read is used, and shut, with a warning that names it', async (t) => {
  const directory = await temporary()
  const path = join(directory, 'a.key')
  await writeFile(path, 'secret\n')
  for (const [mode, warns] of [
    [0o600, false],
    [0o400, false],
    [0o640, true],
    [0o604, true],
    [0o644, true],
  ] as const) {
    await chmod(path, mode)
    const warnings: string[] = []
    t.equal(
      await fileSecrets(directory, { warn: (message) => warnings.push(message) }).secret('a.key', never),
      'secret',
    )
    t.equal(warnings.length, warns ? 1 : 0, mode.toString(8))
    if (warns) t.match(warnings[0], new RegExp(`a\\.key .*mode ${mode.toString(8)}.*somebody may have read it`))
    t.equal((await stat(path)).mode & 0o077, 0)
    t.equal(await fileSecrets(directory).secret('a.key', never), 'secret', 'also without anyone to warn')
  }
})

await t.test('what somebody else may have put there is refused', async (t) => {
  const directory = await temporary()
  const path = join(directory, 'a.key')
  const refused = (says: RegExp) => t.rejects(fileSecrets(directory).secret('a.key', never), says)
  for (const mode of [0o620, 0o602, 0o666]) {
    await writeFile(path, 'planted\n')
    await chmod(path, mode)
    await refused(new RegExp(`a\\.key can be changed by other users \\(mode ${mode.toString(8)}\\)`))
  }
  await rm(path)
  await writeFile(join(directory, 'elsewhere'), 'planted\n', { mode: 0o600 })
  await symlink('elsewhere', path)
  await refused(/a\.key is a symbolic link/)
  await rm(path)
  await symlink('nowhere', path)
  await refused(/a\.key is a symbolic link/)
  await rm(path)
  // Only root can give a file away.
  if (process.getuid?.() !== 0) return
  await writeFile(path, 'planted\n', { mode: 0o600 })
  await chown(path, 12_345, 12_345)
  await refused(/a\.key belongs to another user \(uid 12345\)/)
  await rm(path)
  await chown(directory, 12_345, 12_345)
  await refused(/belongs to another user \(uid 12345\); chown it/)
  t.equal(await fileSecrets(directory, { shared: true }).secret('a.key', () => 'mine'), 'mine')
})

await t.test('a directory of secrets that others could enter is shut, and one that is shared is left', async (t) => {
  const directory = await temporary()
  for (const [shared, mode] of [
    [true, 0o755],
    [false, 0o700],
  ] as const) {
    await chmod(directory, 0o755)
    await fileSecrets(directory, { shared }).secret('a.key', () => 'secret')
    t.equal((await stat(directory)).mode & 0o777, mode)
  }
})

await t.test('a name cannot leave the directory', async (t) => {
  const directory = await temporary()
  await mkdir(join(directory, 'keys'))
  const secrets = fileSecrets(join(directory, 'keys'))
  for (const name of ['', '.', '..', '../a', 'a/b', '/a', '.a', 'a\u0000', 'a\n', 'a'.repeat(129)]) {
    await t.rejects(
      secrets.secret(name, () => 'x'),
      TypeError,
      JSON.stringify(name),
    )
  }
  t.same(await readdir(directory), ['keys'])
})
