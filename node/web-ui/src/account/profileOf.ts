import { profileFields, type Profile } from '../api/types';

/** The part of an account that its profile is, with the revision it was read at. */
export function profileOf(user: Profile & { revision: string }): Profile & { revision: string } {
  const fields = profileFields.map((field) => [field, user[field]]);
  return { ...(Object.fromEntries(fields) as Profile), revision: user.revision };
}
