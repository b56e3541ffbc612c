/** The steps that create an OAuth client at each provider, in short; docs/oauth.md explains each screen. */
import type { OAuthProvider } from '../../contract/mail-oauth.ts'

export const oauthSteps: Record<OAuthProvider['kind'], readonly string[]> = {
  google: [
    'Open console.cloud.google.com, and create or choose a project.',
    'Under “APIs & Services”, “Library”, enable the Gmail API.',
    'Open “Google Auth Platform”, “Get started”: app name, support email, audience. “Internal” where all mailboxes are of your Google Workspace, else “External”.',
    'Under “Audience”, add each address as a test user, or publish the app: while it is in testing, access ends after seven days.',
    'Under “Data Access”, add the scope https://mail.google.com/. Google has no narrower one for IMAP and SMTP.',
    'Under “Clients”, “Create client”: type “Web application”, and the redirect URI below.',
    'Copy the client id and the client secret into this form.',
  ],
  microsoft: [
    'Open entra.microsoft.com, “App registrations”, “New registration”.',
    'Choose whose accounts may sign in. For Outlook.com it has to include personal Microsoft accounts.',
    'Redirect URI: platform “Web”, with the address below. “Register”.',
    'Under “API permissions”, “Add a permission”, “APIs my organization uses”, “Office 365 Exchange Online” or “Microsoft Graph”, “Delegated”: IMAP.AccessAsUser.All, SMTP.Send and offline_access.',
    'Under “Certificates & secrets”, “New client secret”: copy its value, not its id.',
    'For the sign-in on another device: under “Authentication”, allow public client flows.',
    'Copy the application (client) id and the secret into this form. With one tenant alone, enter its id as tenant.',
  ],
  custom: [
    'Register a client at the provider: a web application with the authorization code flow and PKCE, and the redirect URI below.',
    'Enter the address of its metadata (RFC 8414 or OpenID Connect Discovery), the servers that take its tokens, and the scopes that each use needs.',
    'Where it gives refresh tokens only for offline_access, name that scope too.',
  ],
}
