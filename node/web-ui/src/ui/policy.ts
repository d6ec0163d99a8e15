import type { PasswordPolicy } from '../api/types';

export type PolicyRule = 'length' | 'longest' | 'mixed' | 'digits' | 'specials';

/** Longest password that the server takes, in characters. */
export const LONGEST_PASSWORD = 64;

/** What a policy asks for and whether `password` has it; the server has the last word. */
export function checkPolicy(policy: PasswordPolicy, password: string): { rule: PolicyRule; met: boolean }[] {
  const length = [...password].length;
  const rules: { rule: PolicyRule; met: boolean }[] = [{ rule: 'length', met: length >= policy.min_length }];
  if (length > LONGEST_PASSWORD) rules.push({ rule: 'longest', met: false });
  if (policy.mixed_case)
    rules.push({ rule: 'mixed', met: /\p{Lu}/u.test(password) && /\p{Ll}/u.test(password) });
  if (policy.digits) rules.push({ rule: 'digits', met: /\p{Nd}/u.test(password) });
  if (policy.specials) rules.push({ rule: 'specials', met: /[^\p{L}\p{N}]/u.test(password) });
  return rules;
}

export function meets(policy: PasswordPolicy | undefined, password: string): boolean {
  return !policy || checkPolicy(policy, password).every((rule) => rule.met);
}
