import { Menu } from '@mantine/core';
import { IconCheck, IconLayoutGrid, IconLayoutSidebarRight } from '@tabler/icons-react';
import { choices } from '../meeting/choices';
import { useChoices, useMeetingText } from './context';

const views = [
  { view: 'gallery', Icon: IconLayoutGrid, key: 'layout.gallery' },
  { view: 'speaker', Icon: IconLayoutSidebarRight, key: 'layout.speaker' },
] as const;

export function LayoutItems() {
  const { t } = useMeetingText();
  const { view: now } = useChoices();
  return (
    <>
      <Menu.Label>{t('bar.layout')}</Menu.Label>
      {views.map(({ view, Icon, key }) => (
        <Menu.Item
          key={view}
          role="menuitemradio"
          aria-checked={view === now}
          leftSection={<Icon size={18} aria-hidden />}
          rightSection={view === now && <IconCheck size={16} aria-hidden />}
          onClick={() => choices.set({ view })}
        >
          {t(key)}
        </Menu.Item>
      ))}
    </>
  );
}
