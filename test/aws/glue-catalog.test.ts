/** The promises of a catalog over Glue and Athena's APIs on the wire. */
import { catalogSuite } from '../unit/lake/catalog.suite.js'
import { awsServers, gluePlace } from './glue-place.js'

awsServers()

catalogSuite('Glue with Athena', async () => gluePlace())
