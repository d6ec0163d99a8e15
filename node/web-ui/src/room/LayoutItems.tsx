import { Menu } from '@mantine/core';
import { choices } from '../meeting/choices';
import { useChoices, useMeetingText } from './context';

const views = ['gallery', 'speaker'] as const;

export function LayoutItems() {
  const { t } = useMeetingText();
  const { view } = useChoices();
  return (
    <>
      <Menu.Label>{t('bar.layout')}</Menu.Label>
      <Menu.RadioGroup
        value={view}
        onChange={(next) => choices.set({ view: next as (typeof views)[number] })}
      >
        {views.map((one) => (
          <Menu.RadioItem key={one} value={one} closeMenuOnClick>
            {t(`layout.${one}`)}
          </Menu.RadioItem>
        ))}
      </Menu.RadioGroup>
    </>
  );
}
