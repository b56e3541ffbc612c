/** The adapters of MCP, held to one suite. */
import { describeMcpPort } from '../../test/support/mcp-port-suite.ts'
import { createSdkAdapter } from './sdk-adapter.ts'

describeMcpPort('sdk', createSdkAdapter)
