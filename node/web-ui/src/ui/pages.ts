import {
  IconAddressBook,
  IconAt,
  IconCalendarEvent,
  IconCalendarMonth,
  IconCloudDownload,
  IconDevices,
  IconGauge,
  IconHistory,
  IconHome,
  IconLicense,
  IconListDetails,
  IconLock,
  IconPresentation,
  IconServer2,
  IconSettings,
  IconShieldCheck,
  IconTemplate,
  IconUser,
  IconUsers,
  IconUsersGroup,
  IconWall,
  IconWorld,
  IconWorldSearch,
} from '@tabler/icons-react';

/** All pages, for the navigation and the search. */
export const accountPages = [
  { to: '/home', key: 'nav.home', Icon: IconHome },
  { to: '/meetings', key: 'nav.meetings', Icon: IconCalendarEvent },
  { to: '/contacts', key: 'nav.contacts', Icon: IconAddressBook },
  { to: '/history', key: 'nav.history', Icon: IconHistory },
  { to: '/profile', key: 'nav.profile', Icon: IconUser },
  { to: '/password', key: 'nav.password', Icon: IconLock },
  { to: '/devices', key: 'nav.devices', Icon: IconDevices },
  { to: '/rights', key: 'nav.rights', Icon: IconShieldCheck },
] as const;

export const adminPages = [
  { to: '/admin', key: 'nav.summary', Icon: IconGauge },
  { to: '/admin/users', key: 'nav.users', Icon: IconUsers },
  { to: '/admin/groups', key: 'nav.groups', Icon: IconUsersGroup },
  { to: '/admin/aliases', key: 'nav.aliases', Icon: IconAt },
  { to: '/admin/conferences', key: 'nav.conferences', Icon: IconPresentation },
  { to: '/admin/events', key: 'nav.events', Icon: IconListDetails },
  { to: '/admin/settings', key: 'nav.settings', Icon: IconSettings },
  { to: '/admin/licence', key: 'nav.licence', Icon: IconLicense },
  { to: '/admin/partners', key: 'nav.partners', Icon: IconWorld },
  { to: '/admin/directory', key: 'nav.directory', Icon: IconWorldSearch },
  { to: '/admin/nodes', key: 'nav.nodes', Icon: IconServer2 },
  { to: '/admin/border', key: 'nav.border', Icon: IconWall },
  { to: '/admin/backup', key: 'nav.backup', Icon: IconCloudDownload },
] as const;

/** Pages behind others, for the search only. */
export const accountInner = [
  { to: '/meetings/calendar', key: 'nav.calendar', Icon: IconCalendarMonth },
  { to: '/meetings/templates', key: 'nav.templates', Icon: IconTemplate },
] as const;

export const adminInner = [
  { to: '/admin/conferences/templates', key: 'nav.allTemplates', Icon: IconTemplate },
] as const;
