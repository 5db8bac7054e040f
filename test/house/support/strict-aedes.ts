/**
 * Aedes as its types declare it, for `node --import`: any other member of a broker that somebody touches throws, and ends the
 * process with `UNDECLARED`. What was touched is told on standard error at the end.
 */
import { EventEmitter } from 'node:events'
import { readFileSync, writeSync } from 'node:fs'
import { register } from 'node:module'
import type { Aedes } from 'aedes'
import ts from 'typescript'

export const UNDECLARED = 86
export const TOUCHED = 'members of Aedes that were touched: '

type AedesClass = typeof Aedes
type Member = string | symbol

interface Declared {
  readonly own: ReadonlySet<Member>
  readonly ofClass: ReadonlySet<Member>
}

const touched = new Set<string>()

/** The members of a class in a file of types. */
function membersOf(file: string, className: string): Declared {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest)
  const found = source.statements.find((each) => ts.isClassDeclaration(each) && each.name?.text === className)
  if (found === undefined || !ts.isClassDeclaration(found)) throw new Error(`${file} declares no class ${className}`)
  const own = new Set<Member>()
  const ofClass = new Set<Member>()
  for (const member of found.members) {
    const name = member.name
    if (name === undefined || !ts.isIdentifier(name)) continue
    const modifiers = ts.canHaveModifiers(member) ? (ts.getModifiers(member) ?? []) : []
    const isStatic = modifiers.some(({ kind }) => kind === ts.SyntaxKind.StaticKeyword)
    ;(isStatic ? ofClass : own).add(name.text)
  }
  return { own, ofClass }
}

/** An emitter, and any object; `then` is what `await` looks for. */
const OF_ANY = new Set<Member>([
  ...Object.getOwnPropertyNames(EventEmitter.prototype).filter((name) => !name.startsWith('_')),
  ...Object.getOwnPropertyNames(Object.prototype),
  'then',
])

function check(member: Member, declared: ReadonlySet<Member>): void {
  if (typeof member === 'symbol' || OF_ANY.has(member)) return
  touched.add(member)
  if (declared.has(member)) return
  writeSync(2, `the types of Aedes do not declare ${member}\n`)
  process.exitCode = UNDECLARED
  process.on('exit', () => {
    process.exitCode = UNDECLARED
  })
  throw new TypeError(`the types of Aedes do not declare ${member}`)
}

function strictBroker(broker: Aedes, { own }: Declared): Aedes {
  const methods = new Map<Member, unknown>()
  return new Proxy(broker, {
    get(target, member) {
      check(member, own)
      const value: unknown = Reflect.get(target, member)
      // Its own hooks are compared with others; a method works on the broker itself, which touches what it likes.
      if (typeof value !== 'function' || member === 'constructor' || Object.hasOwn(target, member)) return value
      if (!methods.has(member)) methods.set(member, value.bind(target))
      return methods.get(member)
    },
    set(target, member, value) {
      check(member, own)
      return Reflect.set(target, member, value)
    },
    has(target, member) {
      check(member, own)
      return Reflect.has(target, member)
    },
    getOwnPropertyDescriptor(target, member) {
      check(member, own)
      return Reflect.getOwnPropertyDescriptor(target, member)
    },
    ownKeys(target) {
      check('all members', own)
      return Reflect.ownKeys(target)
    },
  })
}

/** `types`: the file that declares the class. */
export function strict(Real: AedesClass, types: string): AedesClass {
  const declared = membersOf(types, 'Aedes')
  process.on('exit', () => writeSync(2, `${TOUCHED}${[...touched].sort().join(', ')}\n`))
  return new Proxy(Real, {
    construct(target, [options]: ConstructorParameters<AedesClass>) {
      return strictBroker(new target(options), declared)
    },
    get(target, member) {
      if (member !== 'prototype' && member !== 'length' && member !== 'name') check(member, declared.ofClass)
      if (member === 'createBroker')
        return async (options?: Parameters<AedesClass['createBroker']>[0]) =>
          strictBroker(await target.createBroker(options), declared)
      return Reflect.get(target, member)
    },
  })
}

if (process.execArgv.includes('--import'))
  register('./strict-aedes-hooks.js', { parentURL: import.meta.url, data: import.meta.resolve('aedes') })
