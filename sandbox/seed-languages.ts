/** Letters in other languages and alphabets, from customers and dealers all over the world. */
import type { Letter } from './seed-mail.ts'
import { owner, type Person } from './seed-people.ts'
import type { Random } from './seed-random.ts'

const dealer = (name: string, address: string): Person => ({ name, address })

const letters: readonly { from: Person; subject: string; text: string; isRightToLeft?: true; wire?: 'B' | 'Q' }[] = [
  {
    from: dealer('أحمد المنصوري', 'ahmad@bayanat-taqs.example'),
    subject: 'استفسار عن محطات الطقس للمزارع',
    text: 'السلام عليكم،\n\nنرغب في شراء خمس محطات طقس لمزارع النخيل في المنطقة الشرقية. هل تعمل الأجهزة عند درجة حرارة 55 مئوية؟ وما هي مدة التوصيل؟\n\nمع التحية',
    isRightToLeft: true,
    wire: 'B',
  },
  {
    from: dealer('أحمد المنصوري', 'ahmad@bayanat-taqs.example'),
    subject: 'رد: عرض السعر رقم 2231',
    text: 'شكراً على العرض. السعر مناسب، ونود تأكيد الطلب بعد موافقة الإدارة يوم الأحد.',
    isRightToLeft: true,
  },
  {
    from: dealer('יעל ברק', 'yael@mezeg-avir.example'),
    subject: 'שאלה לגבי חיישן הרוח',
    text: 'שלום,\n\nחיישן הרוח מציג אפס מאז הסערה ביום שלישי. האם אפשר להחליף רק את החלק העליון (NL-W3)?\n\nתודה,\nיעל',
    isRightToLeft: true,
    wire: 'B',
  },
  {
    from: dealer('佐藤 健一', 'sato@kisho-kiki.example'),
    subject: '気象計50台のお見積りについて',
    text: '北光計器 御中\n\nいつもお世話になっております。\n下記のとおりお見積りをお願いいたします。\n\n品名：Terra 気象計\n数量：50台\n納期：3月末\n\nどうぞよろしくお願いいたします。\n佐藤',
    wire: 'B',
  },
  {
    from: dealer('佐藤 健一', 'sato@kisho-kiki.example'),
    subject: '【御礼】サンプル到着のご連絡',
    text: 'サンプルを本日受け取りました。梱包も丁寧で、動作も問題ありません。来週、社内で評価を始めます。',
  },
  {
    from: dealer('陈晓明', 'chen@qixiang-shebei.example'),
    subject: '关于太阳能板供货时间的确认',
    text: '您好！\n\n第一批太阳能板（250片）已于今天发货，预计十二天后到达。装箱单请见系统。\n如有问题请随时联系。\n\n陈晓明',
    wire: 'B',
  },
  {
    from: dealer('林美玲', 'lin@taiwan-nongye.example'),
    subject: '想請教土壤感測器的安裝深度',
    text: '您好，我們的茶園坡度較大，請問三個深度的感測器應該怎麼安裝？謝謝！',
  },
  {
    from: dealer('Ольга Смирнова', 'olga@pogoda-servis.example'),
    subject: 'Договор поставки: замечания',
    text: 'Добрый день!\n\nЮристы просят уточнить пункт 4.2 (гарантия 24 месяца). Остальное согласовано. Когда сможете прислать новую версию?\n\nС уважением,\nОльга',
    wire: 'B',
  },
  {
    from: dealer('Νίκος Παπαδόπουλος', 'nikos@kairos-nisia.example'),
    subject: 'Σταθμός για το λιμάνι της Σύρου',
    text: 'Καλημέρα,\n\nο σταθμός Marina λειτουργεί άψογα εδώ και έξι μήνες. Θα θέλαμε άλλους δύο για τα γειτονικά νησιά.\n\nΝίκος',
  },
  {
    from: dealer('प्रिया शर्मा', 'priya.sharma@krishi-mausam.example'),
    subject: 'मौसम केंद्र की स्थापना के बारे में',
    text: 'नमस्ते,\n\nहमारे गाँव में तीन केंद्र लगाए जा चुके हैं। किसान हर सुबह मोबाइल पर तापमान और वर्षा देखते हैं। क्या ऐप हिंदी में भी उपलब्ध होगा?\n\nधन्यवाद',
  },
  {
    from: dealer('สมชาย ใจดี', 'somchai@suan-phonlamai.example'),
    subject: 'สอบถามราคาสถานีวัดอากาศ',
    text: 'สวัสดีครับ สนใจสถานีวัดอากาศสำหรับสวนทุเรียน 3 จุด รบกวนขอราคารวมค่าส่งด้วยครับ',
  },
  {
    from: dealer('김서연', 'seoyeon@nongjang.example'),
    subject: '온실용 센서 문의드립니다',
    text: '안녕하세요.\n\n온실 두 동에 온습도 센서를 설치하려고 합니다. 설명서가 한국어로도 있나요?\n\n감사합니다.',
  },
  {
    from: dealer('Zoë Brontë-Ångström', 'zoe@example.net'),
    subject: 'Déjà vu: naïve façade, jalapeño & smørrebrød — the café sign',
    text: 'The sign painter wants to know whether the “é” on the café window should be as tall as the “N”. I said: of course — it’s your name.\n\nŽluťoučký kůň, 10 €, ½ l, 20 °C, “quotes” — all arrived well?',
  },
  {
    from: dealer('Ayşe Yılmaz', 'ayse@ruzgar-olcum.example'),
    subject: 'İzmir fuarı için görüşme',
    text: 'Merhaba,\n\nfuarda standımız 4. salonda. Çarşamba öğleden sonra uygun musunuz?\n\nİyi çalışmalar',
  },
  {
    from: dealer('Nguyễn Thị Hạnh', 'hanh@nongtrai.example'),
    subject: 'Hỏi về bảo hành trạm đo mưa',
    text: 'Chào anh chị, trạm đo mưa mua năm ngoái báo lỗi E4. Xin hướng dẫn cách gửi bảo hành.',
  },
  {
    from: dealer('Samuel Osei', 'samuel@northlight.example'),
    subject: '🎉 500th station this year! ☀️🌧️',
    text: 'It just left the building 📦. Cake at four 🍰.\n\n👩‍🔧👨🏿‍💻👩🏽‍🌾 thank you all!',
  },
  {
    from: dealer('Jürgen Groß', 'juergen@wetterfreunde.example'),
    subject: 'Re: AW: Fwd: Grüße vom Ätna – Messwerte über 40 °C',
    text: 'Hallo Robin,\n\nschöne Grüße vom Ätna! Die Station hat 43,7 °C gemessen – Rekord für unsere Gruppe.\n\nJürgen',
  },
]

export function foreignLetters(random: Random, now: Date): Letter[] {
  return letters.map(({ from, subject, text, isRightToLeft, wire }, index) => {
    const at = new Date(now.getTime() - (index * 3.3 + 0.45) * 86_400_000 - random.int(0, 300) * 60_000)
    const body = text
      .split('\n\n')
      .map(part => `<p>${part.replaceAll('\n', '<br>')}</p>`)
      .join('')
    return {
      folder: 'INBOX',
      at,
      mail: {
        from,
        to: owner,
        subject,
        text: `${text}\n`,
        ...(isRightToLeft ? { html: `<div dir="rtl" style="font:16px/1.7 sans-serif">${body}</div>` } : {}),
        ...(wire ? { textEncoding: wire, encoding: wire === 'B' ? 'base64' : 'quoted-printable' } : {}),
      },
    }
  })
}
