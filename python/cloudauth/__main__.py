"""The command, as `python -m cloudauth`."""

from cloudauth._command import main

if __name__ == "__main__":
    main()
