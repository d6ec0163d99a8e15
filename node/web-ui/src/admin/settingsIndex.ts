/** Every setting, for the search. */
export const settingsIndex = [
  { section: 'front_page', field: 'title' },
  { section: 'front_page', field: 'help' },
  { section: 'password', field: 'min_length' },
  { section: 'password', field: 'mixed_case' },
  { section: 'password', field: 'digits' },
  { section: 'password', field: 'specials' },
  { section: 'lockout', field: 'enabled' },
  { section: 'lockout', field: 'attempts' },
  { section: 'lockout', field: 'window_s' },
  { section: 'lockout', field: 'duration_s' },
  { section: 'sessions', field: 'lifetime_days' },
  { section: 'admin_access', field: 'networks' },
] as const;
