import { cpp } from '@codemirror/lang-cpp';
import { indentUnit } from '@codemirror/language';
import { words } from './words';

const keywords =
    'auto break case char const continue default do double else enum extern float for goto if inline int long register restrict return ' +
    'short signed sizeof static struct switch typedef union unsigned void volatile while bool true false NULL size_t ssize_t ' +
    'int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t define include ifdef ifndef endif';
const names =
    'printf fprintf snprintf scanf sscanf puts putchar getchar fgets fputs fopen fclose fread fwrite fflush perror malloc calloc ' +
    'realloc free exit abort atexit qsort bsearch rand srand strtol strtoul strtod strlen strcmp strncmp strcpy strncpy strcat strchr ' +
    'strstr strdup memcpy memmove memset memcmp isalpha isdigit isspace toupper tolower sqrt pow sin cos floor ceil fabs time clock assert main';

export const pack = () => [cpp(), words(keywords, names), indentUnit.of('    ')];
