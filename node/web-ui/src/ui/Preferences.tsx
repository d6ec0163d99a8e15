import { SegmentedControl, Select, useMantineColorScheme, VisuallyHidden, Center } from '@mantine/core';
import { IconDeviceDesktop, IconMoon, IconSun } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { languages, nameOf, speak } from '../i18n';

/** Its list is no portal: within a popover, choosing would count as a click outside and close it first. */
export function LanguageSelect() {
  const { t, i18n } = useTranslation();
  return (
    <Select
      size="xs"
      w={130}
      aria-label={t('preferences.language')}
      allowDeselect={false}
      checkIconPosition="right"
      comboboxProps={{ transitionProps: { duration: 0 }, withinPortal: false }}
      data={languages.map((value) => ({ value, label: nameOf(value) }))}
      value={i18n.language}
      onChange={(language) => language && void speak(language)}
    />
  );
}

const schemes = [
  { value: 'light', Icon: IconSun, key: 'preferences.light' },
  { value: 'dark', Icon: IconMoon, key: 'preferences.dark' },
  { value: 'auto', Icon: IconDeviceDesktop, key: 'preferences.system' },
] as const;

export function SchemeSwitch() {
  const { t } = useTranslation();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <SegmentedControl
      size="xs"
      aria-label={t('preferences.scheme')}
      transitionDuration={0}
      value={colorScheme}
      onChange={(scheme) => setColorScheme(scheme as 'light' | 'dark' | 'auto')}
      data={schemes.map(({ value, Icon, key }) => ({
        value,
        label: (
          <Center title={t(key)} h={20}>
            <Icon size={16} aria-hidden />
            <VisuallyHidden>{t(key)}</VisuallyHidden>
          </Center>
        ),
      }))}
    />
  );
}
