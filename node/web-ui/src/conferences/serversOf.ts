import { elsewhereIn } from '../account/elsewhere';

/** Of so many it is said whether they are met. */
const SAID = 10;

/** The other servers of people who are named: `kari@oslo.example.net`. */
export function serversOf(people: string[], own: string): string[] {
  const servers = people.flatMap((person) => {
    const named = elsewhereIn(person, own);
    return named === null ? [] : [named.slice(named.indexOf('@') + 1)];
  });
  return [...new Set(servers)].slice(0, SAID);
}
