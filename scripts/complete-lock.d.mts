interface LockedPackage {
  readonly version?: string
  readonly resolved?: string
  readonly integrity?: string
  readonly optional?: boolean
  readonly optionalDependencies?: Record<string, string>
}
export function missingOptional(
  packages: Record<string, LockedPackage>,
): [path: string, name: string, version: string][]
export function platformOf(name: string): { cpu: string[]; libc?: string[]; os: string[] }
