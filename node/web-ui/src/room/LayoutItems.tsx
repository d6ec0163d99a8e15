import { Menu } from '@mantine/core';
import { IconLayoutGrid, IconLock, IconLockOpen, IconUsersGroup } from '@tabler/icons-react';
import { views, type View } from '../meeting/choices';
import { isShown } from '../meeting/keptLayouts';
import { useMeeting, useMeetingText, useVisit } from './context';
import type { RoomControls } from './controls';
import { useMyself } from './useMyself';
import { useView } from './useView';

/** How pictures are arranged: for oneself, and by moderators for everybody. */
export function LayoutItems({ controls }: { controls: RoomControls }) {
  const { t } = useMeetingText();
  const { view, locked, own, setView } = useView(controls);
  const { moderates } = useMyself();
  return (
    <>
      <Menu.Label>{t('bar.layout')}</Menu.Label>
      <Menu.RadioGroup value={view} onChange={(next) => setView(next as View)}>
        {views.map((one) => (
          <Menu.RadioItem key={one} value={one} closeMenuOnClick disabled={locked}>
            {t(`layout.${one}`)}
          </Menu.RadioItem>
        ))}
      </Menu.RadioGroup>
      {locked && <Menu.Label>{t(own ? 'layout.lockedForYou' : 'layout.locked')}</Menu.Label>}
      {moderates && <ForAll controls={controls} />}
    </>
  );
}

function ForAll({ controls }: { controls: RoomControls }) {
  const { t } = useMeetingText();
  const { meeting } = useVisit();
  const { room } = useMeeting();
  const { view, pinned } = useView(controls);
  const kept = room.layouts ?? [];
  const set = (locked: boolean) => meeting.layOut({ arrangement: view, pinned, locked });
  return (
    <>
      <Menu.Label>{t('layout.forAll')}</Menu.Label>
      <Menu.Item leftSection={<IconUsersGroup size={16} aria-hidden />} onClick={() => set(false)}>
        {t('layout.show')}
      </Menu.Item>
      <Menu.Item leftSection={<IconLock size={16} aria-hidden />} onClick={() => set(true)}>
        {t('layout.lock')}
      </Menu.Item>
      <Menu.Item
        leftSection={<IconLayoutGrid size={16} aria-hidden />}
        onClick={() => controls.open('layOut')}
      >
        {t('layOut.open')}
      </Menu.Item>
      {kept.length > 0 && (
        <>
          <Menu.Label>{t('kept.title')}</Menu.Label>
          <Menu.RadioGroup
            value={kept.find((one) => isShown(one, room.layout))?.name ?? ''}
            onChange={(name) =>
              kept
                .filter((one) => one.name === name)
                .forEach(({ layout }) => meeting.layOut({ ...layout, kept: name }))
            }
          >
            {kept.map(({ name }) => (
              <Menu.RadioItem key={name} value={name} closeMenuOnClick>
                {name}
              </Menu.RadioItem>
            ))}
          </Menu.RadioGroup>
        </>
      )}
      {room.layout && (
        <Menu.Item
          leftSection={<IconLockOpen size={16} aria-hidden />}
          onClick={() => meeting.moderate('clear_layout')}
        >
          {t('layout.free')}
        </Menu.Item>
      )}
    </>
  );
}
