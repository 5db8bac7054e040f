// Are secrets on disk readable by their owner only, whole or absent, and never replaced?
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
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
  const former = process.umask(0)
  t.teardown(() => process.umask(former))
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
    { code: 'ENOTDIR' },
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

await t.test('a file that others can read is used, with a warning that names it and how to mend it', async (t) => {
  const directory = await temporary()
  const path = join(directory, 'a.key')
  await writeFile(path, 'secret\n')
  for (const [mode, warns] of [
    [0o600, false],
    [0o400, false],
    [0o640, true],
    [0o604, true],
    [0o620, true],
    [0o644, true],
  ] as const) {
    await chmod(path, mode)
    const warnings: string[] = []
    t.equal(
      await fileSecrets(directory, { warn: (message) => warnings.push(message) }).secret('a.key', never),
      'secret',
    )
    t.equal(warnings.length, warns ? 1 : 0, mode.toString(8))
    if (warns) t.match(warnings[0], new RegExp(`a\\.key .*mode ${mode.toString(8)}.*chmod 600`))
    t.equal(await fileSecrets(directory).secret('a.key', never), 'secret', 'also without anyone to warn')
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
