/** The adapters of MCP, held to one suite, and to the same bytes of what they list. */
import { expect, test } from 'vitest'
import { legacy, modern } from '../../test/support/mcp-frames-client.ts'
import { describeMcpPort, listedBytes } from '../../test/support/mcp-port-suite.ts'
import { createNativeAdapter } from './native-adapter.ts'
import { createSdkAdapter } from './sdk-adapter.ts'

describeMcpPort('sdk', createSdkAdapter)
describeMcpPort('native', createNativeAdapter)

test.each([modern, ...legacy])(
  'both adapters list the same tools in the same bytes to a client of %s',
  async revision => {
    expect(await listedBytes(createNativeAdapter, revision)).toBe(await listedBytes(createSdkAdapter, revision))
  },
)
