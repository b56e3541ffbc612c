/** Types of imports that the build adds. */

/** `contract/<Id>.schema`: the JSON Schema of a type of the contract, rendered by scripts/contract-plugin.ts. */
declare module '*.schema' {
  interface PropertySchema {
    type?: string
    description?: string
    minimum?: number
    maximum?: number
    minLength?: number
    maxLength?: number
    pattern?: string
    enum?: string[]
  }
  const schema: { properties: Record<string, PropertySchema>; required: string[] }
  export default schema
}

declare module '*.css'
