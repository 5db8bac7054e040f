/** Configurations from texts in place of files. */
import {
  ConfError,
  ConfErrors,
  type ListenerConf,
  type MosquittoConf,
  readConf,
} from '../../../../mosquitto-compat/index.ts'

type Texts = Readonly<Record<string, string>>

/** `main.conf` and whatever it includes, by their paths. */
export function readTexts(texts: Texts, ports: readonly number[] = []): MosquittoConf {
  const read = (path: string) => {
    const text = texts[path]
    if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
    return Buffer.from(text, 'utf8')
  }
  const list = (folder: string) => {
    const names = Object.keys(texts).filter((path) => path.startsWith(`${folder}/`))
    if (names.length === 0) throw Object.assign(new Error('no such folder'), { code: 'ENOENT' })
    // In no order, as a folder has them.
    return names.map((path) => path.slice(folder.length + 1)).toReversed()
  }
  return readConf({ path: 'main.conf', files: { read, list }, hostname: 'here', ports })
}

export function readText(text: string, ports: readonly number[] = []): MosquittoConf {
  return readTexts({ 'main.conf': text }, ports)
}

/** What is said of a file that is wrong; empty when it is good. */
export function problemOf(texts: string | Texts): string {
  try {
    readTexts(typeof texts === 'string' ? { 'main.conf': texts } : texts)
    return ''
  } catch (error) {
    if (error instanceof ConfError || error instanceof ConfErrors) return error.lines.join('\n')
    throw error
  }
}

export function listenerAt({ listeners }: MosquittoConf, port: number): ListenerConf {
  const found = listeners.find((each) => each.port === port)
  if (found === undefined) throw new Error(`no listener at port ${port}`)
  return found
}
