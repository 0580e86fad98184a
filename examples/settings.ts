// Where the service is, and whose token is shown: what every example asks the environment for.
const { QUITTANCE_URL: url = 'http://127.0.0.1:4020', QUITTANCE_AGENT_TOKEN: token } = process.env
if (token === undefined) {
  console.error(
    'Set QUITTANCE_AGENT_TOKEN to the agent’s token; `npm start` keeps it in tokens.json.',
  )
  process.exit(2)
}

export const settings = { url, token }
