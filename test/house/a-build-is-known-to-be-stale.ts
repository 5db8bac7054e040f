// Is a build refused as stale after any source was changed, added or removed, and only then?
import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { isFresh, sourceFiles, sourceStamp, stampFile } from '../../scripts/build-stamp.mjs'
import { temporaryFolder } from '../support/index.ts'

t.test('by content', async (t) => {
  const root = temporaryFolder(t, 'stamp')
  const dist = join(root, 'dist')
  for (const folder of [dist, join(root, 'store', 'redis'), join(root, 'test')]) mkdirSync(folder, { recursive: true })
  for (const file of ['package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'index.ts', 'store/redis/one.lua']) {
    writeFileSync(join(root, file), file)
  }
  const build = () => writeFileSync(stampFile(dist), sourceStamp(root))
  t.equal(isFresh(root, dist), false, 'never built')
  build()
  t.equal(isFresh(root, dist), true)
  t.same(sourceFiles(root), ['index.ts', 'store/redis/one.lua'])

  utimesSync(join(root, 'index.ts'), new Date(), new Date(Date.now() + 60_000))
  writeFileSync(join(root, 'test', 'x.ts'), 'a test is no part of the build')
  t.equal(isFresh(root, dist), true, 'touched only')

  for (const file of ['index.ts', 'store/redis/one.lua', 'store/new.ts', 'tsconfig.build.json', 'package-lock.json']) {
    writeFileSync(join(root, file), `${file} changed`)
    t.equal(isFresh(root, dist), false, `${file} changed`)
    build()
  }
  rmSync(join(root, 'store', 'new.ts'))
  t.equal(isFresh(root, dist), false, 'a source is gone')
})
