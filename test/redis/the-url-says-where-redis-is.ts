// Which forms of URL are understood, and does a wrong one say so without showing a password?
import { t } from '../support/tap.ts'
import { parseAddress } from '../../store/redis/address.ts'

await t.test('forms', async (t) => {
  t.match(parseAddress('redis://db:7000/3'), {
    kind: 'server',
    hosts: [{ host: 'db', port: 7000 }],
    tls: false,
    database: 3,
  })
  t.match(parseAddress('redis://db:80'), { hosts: [{ host: 'db', port: 80 }] })
  t.match(parseAddress('rediss://db'), { kind: 'server', hosts: [{ host: 'db', port: 6379 }], tls: true, database: 0 })
  t.match(parseAddress('redis://push:p%40ss@[::1]:7000'), {
    hosts: [{ host: '::1', port: 7000 }],
    username: 'push',
    password: 'p@ss',
  })
  t.match(parseAddress('redis://:p@a:1,redis://b:2, c'), {
    kind: 'cluster',
    password: 'p',
    hosts: [
      { host: 'a', port: 1 },
      { host: 'b', port: 2 },
      { host: 'c', port: 6379 },
    ],
  })
  t.match(parseAddress('rediss+cluster://a:1'), { kind: 'cluster', tls: true, hosts: [{ host: 'a', port: 1 }] })
  t.match(parseAddress('redis+sentinel://u:p@a:1,b/main/2?sentinelPassword=s'), {
    kind: 'sentinel',
    master: 'main',
    database: 2,
    username: 'u',
    password: 'p',
    sentinelPassword: 's',
    hosts: [
      { host: 'a', port: 1 },
      { host: 'b', port: 26379 },
    ],
  })
})

await t.test('mistakes', async (t) => {
  const wrong = [
    'http://u:topsecret@db',
    'redis://u:topsecret@',
    'redis://u:topsecret@db/x',
    'redis://u:topsecret@db:port',
    'redis://u:topsecret@a/1,b',
    'redis://u:topsecret@a,rediss://b',
    'redis+sentinel://u:topsecret@a',
    'topsecret',
  ]
  for (const url of wrong) {
    t.throws(() => parseAddress(url), TypeError, url)
    try {
      parseAddress(url)
    } catch (error) {
      t.notMatch(String(error), /topsecret/)
    }
  }
})
