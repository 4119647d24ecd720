export { clientPlaces, type ClientPlace, type Surroundings } from './places.ts';
export { readClientFile, type ClientServer, type ClientText } from './read.ts';
export { plaintextIn, withoutTokens, type Plaintext } from './plaintext.ts';
export { becomes, type Becomes } from './becomes.ts';
