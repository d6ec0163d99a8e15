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
  { section: 'conferences', field: 'delete_past' },
  { section: 'conferences', field: 'delete_past_days' },
  { section: 'conferences', field: 'delete_unused' },
  { section: 'conferences', field: 'delete_unused_days' },
  { section: 'sessions', field: 'lifetime_days' },
  { section: 'admin_access', field: 'networks' },
] as const;
