/// The passwords that are guessed first: a short list of the commonest words in them, and what people make of such a word.
///
/// It holds off who tries a handful of guesses on each of many accounts. It is no list of all passwords that leaked.
enum CommonPasswords {
    /// Whether the password is one of the commonest, or holds nothing but what anybody knows of the account.
    static func contains(_ password: String, of email: Email) -> Bool {
        let plain = password.lowercased()
        let letters = core(of: plain)
        let local = email.description.prefix { $0 != "@" }
        let account: Set<String> = [String(local), core(of: String(local)), email.description]
        if account.contains(plain) || (!letters.isEmpty && account.contains(letters)) { return true }
        return words.contains(plain) || words.contains(letters) || isPattern(plain)
    }

    /// The word in it: without the digits and signs around it, and with the letters that digits and signs stand for.
    private static func core(of text: String) -> String {
        let decorations = "0123456789!@#$%^&*()-_=+.,;:?/ "
        var middle = Substring(text)
        while let last = middle.last, decorations.contains(last) { middle.removeLast() }
        while let first = middle.first, decorations.contains(first) { middle.removeFirst() }
        return String(middle.compactMap { substitutes[$0] ?? ($0.isWhitespace ? nil : $0) })
    }

    private static let substitutes: [Character: Character] = [
        "0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s", "!": "i",
    ]

    /// One to three characters over and over, or a walk along a row of the keyboard, the digits or the alphabet.
    private static func isPattern(_ text: String) -> Bool {
        let characters = Array(text)
        for length in 1...3 where characters.indices.allSatisfy({ characters[$0] == characters[$0 % length] }) {
            return true
        }
        return rows.contains { row in row.contains(text) || row.contains(String(text.reversed())) }
    }

    private static let rows = [
        "01234567890123456789", "abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm",
        "qwertzuiopasdfghjklyxcvbnm",
        "azertyuiopqsdfghjklmwxcvbn", "1q2w3e4r5t6y7u8i9o0p", "1qaz2wsx3edc4rfv5tgb6yhn7ujm", "qazwsxedcrfvtgbyhnujm",
        "zaq12wsxcde34rfv", "zaq1xsw2cde3vfr4", "q1w2e3r4t5y6u7i8o9p0", "147258369", "123qweasdzxc", "qweasdzxc",
        "1234qwerasdfzxcv", "asdfghjkl;'", "!@#$%^&*()",
    ]

    /// By what is left of them once digits and signs are gone.
    private static let words: Set<String> = Set(
        """
        password passwort passw passwd pass passphrase motdepasse contrasena senha parola wachtwoord haslo heslo salasana
        secret secretpassword topsecret default changeme changeit letmein letmeinnow welcome welcometo willkommen
        bienvenue admin administrator adminadmin root rootroot toor user username login guest master mastermaster test
        testtest tester testing testpassword demo demodemo temp temporary example sample nopassword mypassword
        newpassword yourpassword passwordpassword thepassword password123 invok invokinvok invokadmin invokpassword
        qwerty qwertyui qwertyuiop qwertz qwertzui azerty azertyui qwer qwert qwerqwer asdf asdfasdf asdfghjk asdfghjkl
        zxcvbnm zxcvbnmz qweqwe qweasd qweasdzxc qazwsx qazwsxedc abc abcabc abcd abcdabcd abcde abcdef aaaa aaaaaa
        iloveyou iloveu loveyou lovely lovelove loveme mylove forever trustnoone trustno whatever sunshine princess
        football baseball basketball volleyball softball hockey soccer superman batman spiderman ironman starwars
        pokemon pikachu dragon dragonball monkey monkeymonkey shadow ninja killer hunter ranger buster samurai warrior
        michael michelle jennifer jessica jordan jordans charlie daniel thomas andrew anthony ashley amanda nicole
        matthew joshua christian christopher alexander alexandra elizabeth veronica victoria caroline catherine
        jonathan patricia samantha stephanie benjamin cameron sebastian valentina fernando francisco alejandro
        computer internet microsoft windows google facebook samsung nintendo playstation corvette mercedes porsche
        ferrari yamaha harley mustang chevrolet butterfly chocolate cheesecake cookie strawberry blueberry pineapple
        banana coffee pepper ginger summer winter spring autumn january february september november december monday
        tuesday wednesday thursday friday saturday sunday liverpool chelsea arsenal barcelona realmadrid juventus
        manchester newyork yankees cowboys steelers lakers rangers america australia germany england scotland ireland
        london paris berlin freedom liberty blessed jesus jesuschrist jesusislord godisgood heaven angel angels faith
        blink slipknot metallica nirvana eminem rockstar rockyou superstar diamond crystal platinum precious flower
        flowers rainbow sweetie sweetheart honeybee babygirl babyboy bigdaddy daddysgirl mother father family friends
        friendship bestfriend happyday happiness smile hello hellohello helloworld hellokitty helloo goodluck goodbye
        access accessdenied system security server database oracle mysql postgres postgresql cisco juniper ubuntu
        debian raspberry developer engineer manager student teacher company business customer service support
        einstein gandalf matrix merlin phoenix scorpion snoopy tigger tinkerbell garfield mickeymouse donald scooby
        maverick marlboro midnight naruto undertaker wrestling xxxxxx zxcvbn zxcv
        """.split { $0.isWhitespace }.map(String.init))
}
